"""Writes dict.txt.gz and hmm.txt.gz from an installed jieba 0.42.1 (pip install jieba==0.42.1).

hmm.txt has one line a value: start STATE P, trans STATE STATE P, emit STATE CHAR P.
"""
import gzip
import pathlib

import jieba
from jieba.finalseg import prob_emit, prob_start, prob_trans

here = pathlib.Path(__file__).parent


def write(name, data):
    with open(here / name, "wb") as f, gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=f, mtime=0) as z:
        z.write(data)


write("dict.txt.gz", (pathlib.Path(jieba.__file__).parent / "dict.txt").read_bytes())
lines = [f"start {s} {p!r}" for s, p in sorted(prob_start.P.items())]
lines += [f"trans {a} {b} {p!r}" for a, t in sorted(prob_trans.P.items()) for b, p in sorted(t.items())]
lines += [f"emit {s} {c} {p!r}" for s, t in sorted(prob_emit.P.items()) for c, p in sorted(t.items())]
write("hmm.txt.gz", ("\n".join(lines) + "\n").encode())
