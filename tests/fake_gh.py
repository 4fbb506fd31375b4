"""A stub of ``gh api`` that lists, creates and updates comments of a pull request.

The comments are in the file GH_COMMENTS. ``--jq`` uses the real jq.
"""

import json
import os
import sys
from itertools import pairwise
from pathlib import Path

import jq


def main(words: list[str]) -> int:
    """Run one call and return its exit code; an unknown call returns 1."""
    place = Path(os.environ["GH_COMMENTS"])
    comments = json.loads(place.read_text("utf-8")) if place.exists() else []
    options = dict(pairwise(words))
    path = next(word for word in words[1:] if word.startswith("repos/"))
    method = options.get("--method", "GET")
    if method == "GET":
        sys.stdout.writelines(f"{found}\n" for found in jq.compile(options["--jq"]).input_value(comments))
        return 0
    body = Path(options["-F"].removeprefix("body=@")).read_text("utf-8")
    if method == "POST" and path.endswith("/issues/7/comments"):
        comments.append({"id": 900 + len(comments), "user": {"login": "github-actions[bot]"}, "body": body})
    elif method == "PATCH" and "/issues/comments/" in path:
        (mine,) = (each for each in comments if str(each["id"]) == path.rpartition("/")[2])
        mine["body"] = body
    else:
        return 1
    place.write_text(json.dumps(comments), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
