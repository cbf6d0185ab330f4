"""One kind of user a file. The cast is written out in ../cast.py."""
