"""The cases, a module for each topic. Ids are for ever: a case that goes leaves its number unused."""
