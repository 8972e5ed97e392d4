"""What two rsyncs say to each other, taken down and explained field by field.

``capture`` keeps the bytes, ``dissector`` takes them apart with the reference's own
codecs, ``render`` shows the result, ``relay`` gets between the two ends and
``tap`` is the command. Bytes that mean nothing known are shown as they are.
"""
