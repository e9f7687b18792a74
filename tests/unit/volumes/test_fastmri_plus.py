"""The published annotations are downloaded whole and checked, or not at all."""

import hashlib
import socket
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml
from support import ROOT, run_program

from advmri.config.planning import Plan
from advmri.config.validate import validate_config
from advmri.errors import InputError
from advmri.volumes import fastmri_plus
from advmri.volumes.fastmri_plus import PUBLISHED, download_annotations, ensure_annotations
from workflow_scripts import download_annotations as program

CONTENT = b"file,slice,study_level,x,y,width,height,label\nv1,0,No,1,1,5,5,tear\n"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server():
    """A server on this machine that answers by path, and counts what it was asked."""

    class Answers(BaseHTTPRequestHandler):
        asked: list = []  # noqa: RUF012

        def do_GET(self):
            self.asked.append(self.path)
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/knee.csv")
                self.end_headers()
                return
            if self.path == "/nonsense":
                self.wfile.write(b"not HTTP\r\n")
                return
            status = {"/knee.csv": 200, "/brain.csv": 200, "/cut": 200, "/empty": 204}.get(self.path, 404)
            self.send_response(status)
            self.send_header("Content-Length", str(0 if status == 204 else len(CONTENT)))
            self.end_headers()
            sent = {"/knee.csv": CONTENT, "/brain.csv": CONTENT, "/cut": CONTENT[:20]}
            self.wfile.write(sent.get(self.path, b""))

        def log_message(self, *_):
            pass

    Answers.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", Answers.asked
        running.shutdown()
        thread.join()


@pytest.fixture
def served(server, tmp_path, monkeypatch):
    """The server in place of GitHub, in an empty working folder; its address and what it was asked."""
    url, asked = server
    monkeypatch.chdir(tmp_path)
    for keyword, one in PUBLISHED.items():
        monkeypatch.setitem(PUBLISHED, keyword, replace(one, url=f"{url}/{one.path.name}", sha256=DIGEST))
    return url, asked


@pytest.mark.parametrize("place", ["knee.csv", "moved"])
def test_downloaded_once(server, tmp_path, place):
    url, asked = server
    path = tmp_path / "data" / "knee.csv"
    assert ensure_annotations(path, f"{url}/{place}", DIGEST)
    assert path.read_bytes() == CONTENT and list(path.parent.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o644
    before = len(asked)
    assert not ensure_annotations(path, f"{url}/{place}", DIGEST) and len(asked) == before


@pytest.mark.parametrize(
    ("place", "digest", "named"),
    [
        ("nothing.csv", DIGEST, "HTTP status 404"),
        ("empty", DIGEST, "not the expected file (SHA-256"),
        ("nonsense", DIGEST, "cannot be downloaded"),
        ("cut", DIGEST, "cannot be downloaded"),
        ("knee.csv", "0" * 64, "not the expected file (SHA-256"),
    ],
)
def test_what_is_not_the_file_is_not_kept(server, tmp_path, place, digest, named):
    url, _ = server
    path = tmp_path / "data" / "knee.csv"
    with pytest.raises(InputError) as caught:
        download_annotations(path, f"{url}/{place}", digest)
    message = str(caught.value)
    assert named in message and f"put it at {path}" in message and "dataset.annotations" in message
    assert "\n" not in message and not list(tmp_path.rglob("*.*"))


def test_offline(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(InputError, match=r"cannot be downloaded \(.*refused.*put it at .*knee\.csv"):
        download_annotations(tmp_path / "knee.csv", f"http://127.0.0.1:{port}/knee.csv", DIGEST)


def test_another_file_in_its_place_is_named(tmp_path):
    (tmp_path / "knee.csv").write_bytes(CONTENT + b"v2,0,No,1,1,5,5,tear\n")
    with pytest.raises(InputError, match=r"knee\.csv: not the published fastMRI\+ file .*remove it"):
        ensure_annotations(tmp_path / "knee.csv", "http://127.0.0.1:9/", DIGEST)


@pytest.mark.parametrize("keyword", PUBLISHED)
def test_the_program(served, keyword):
    path = PUBLISHED[keyword].path
    run_program(program, **({} if keyword == "fastmri+" else {"annotations": keyword}))
    assert path.read_bytes() == CONTENT
    run_program(program, annotations=keyword, output=path.with_name("a.csv"), url=f"{served[0]}/moved")
    assert path.with_name("a.csv").read_bytes() == CONTENT and served[1] == [f"/{path.name}", "/moved", "/knee.csv"]


@pytest.mark.shared
@pytest.mark.parametrize("keyword", PUBLISHED)
def test_the_pinned_digest_is_that_of_the_real_file(shared, keyword):
    published = PUBLISHED[keyword]
    path = shared / "fastmri-plus" / published.path.name
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == published.sha256
    assert fastmri_plus.COMMIT in published.url and published.url.endswith(f"/{published.path.name}")


def _plan(annotations, root):
    content = yaml.safe_load((ROOT / "config.yaml").read_text())
    content["dataset"] = {"name": "real", "kind": "fastmri", "root": str(root), "annotations": annotations}
    return Plan(validate_config(content))


@pytest.mark.parametrize("keyword", PUBLISHED)
def test_a_keyword_stands_for_a_published_file(served, tmp_path, keyword):
    plan, path = _plan(keyword, tmp_path), PUBLISHED[keyword].path
    assert plan.annotations == path
    (note,) = plan.fetch_annotations()
    assert "downloaded from" in note and plan.annotations.read_bytes() == CONTENT
    assert plan.fetch_annotations() == [] and served[1] == [f"/{path.name}"]
    assert _plan("mine.csv", tmp_path).fetch_annotations() == [] and len(served[1]) == 1


def test_knees_and_brains_are_different_files():
    knee, brain = (PUBLISHED[name] for name in ("fastmri+", "fastmri+brain"))
    assert (knee.path.name, brain.path.name) == ("knee.csv", "brain.csv")
    assert len({knee.url, brain.url, knee.sha256, brain.sha256, knee.path, brain.path}) == 6


@pytest.mark.parametrize("keyword", ["fastmri+brains", "fastMRI+", "fastmri+knee"])
def test_a_keyword_that_is_none(tmp_path, keyword):
    with pytest.raises(InputError, match=r"is no published file; fastmri\+ and fastmri\+brain are"):
        _plan(keyword, tmp_path)
    _plan(f"{keyword}.csv", tmp_path)
