"""Reads the documents of the command line once for every line on standard input, and prints the seconds that it took."""
import sys
import time
import xml.etree.ElementTree as ET

from pypsrp.serializer import Serializer

texts = []
for path in sys.argv[1:]:
    data = open(path, "rb").read()
    texts.append(data.decode("utf-16" if data[:2] == b"\xff\xfe" else "utf-8-sig"))
for _ in sys.stdin:
    start = time.perf_counter()
    for text in texts:
        serializer = Serializer()
        for element in ET.fromstring(text):
            serializer.deserialize(element, clear=False)
    print(time.perf_counter() - start, flush=True)
