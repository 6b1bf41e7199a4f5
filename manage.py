#!/usr/bin/env python
from prowzi_site.__main__ import main

if __name__ == "__main__":
    main()
