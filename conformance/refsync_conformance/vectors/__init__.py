"""Wire vectors for implementations in other languages: values and their bytes, as JSON with a schema.

``groups`` has them as data, ``export`` writes them. A vector is canonical: a decoder has to make the value of
the bytes, an encoder the bytes of the value. Those marked ``invalid`` have to be refused.
"""
