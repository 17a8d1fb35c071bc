import contextlib
import hashlib
import http.server
import threading

import pytest

from tfinspect.data.download import download
from tfinspect.errors import DataError

BODY = bytes(range(256)) * 4000
MD5 = hashlib.md5(BODY).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves BODY; `breaks` answers stop after so many bytes, and every request is noted.

    Of an answer that is broken off, `after_break` is called when it has been. A part goes from
    `part_from` of where it was asked for to `upto`, and `range_of` says which part it is.
    """

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.breaks = []
        self.ranges = True
        self.tells_length = True
        self.length_of = str
        self.whole_status = 200
        self.part_from = lambda start: start
        self.range_of = lambda start, end: f"bytes {start}-{end - 1}/{len(self.body)}"
        self.upto = None
        self.status = None
        self.version = None
        self.heeds_if_range = True
        self.body = BODY
        self.after_break = lambda: None
        self.requests = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/x.tar.gz"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server, asked = self.server, self.headers.get("Range")
        server.requests.append(asked)
        known = self.headers.get("If-Range", server.version) == server.version
        resumes = asked and server.ranges and (known or not server.heeds_if_range)
        start = int(asked[6:-1]) if resumes else 0
        if server.status or start >= len(server.body):
            self.send_error(server.status or 416)
            return
        body = server.body
        if start:
            start, body = server.part_from(start), body[: server.upto]
        self.send_response(206 if resumes else server.whole_status)
        self.send_header("Content-Range", server.range_of(start, len(body)))
        if server.tells_length:
            self.send_header("Content-Length", server.length_of(len(body) - start))
        if server.version is not None:
            self.send_header("ETag", server.version)
        self.end_headers()
        end = server.breaks.pop(0) if server.breaks else None
        # The reader may have had enough.
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body[start:end])
        if end is not None:
            server.after_break()

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "downloads" / "x.tar.gz"


def test_the_file_arrives_with_progress(server, path):
    seen = []
    download(server.url, str(path), MD5, lambda *report: seen.append(report))
    assert path.read_bytes() == BODY
    assert seen[-1] == ("downloading x.tar.gz", len(BODY), len(BODY))
    assert [entry.name for entry in path.parent.iterdir()] == ["x.tar.gz"]


def test_a_broken_connection_is_resumed_where_it_broke(server, path):
    server.breaks = [300_000, 500_000]
    download(server.url, str(path), MD5)
    assert server.requests == [None, "bytes=300000-", "bytes=500000-"]
    assert path.read_bytes() == BODY


def test_a_later_call_goes_on_where_the_last_one_broke_off(server, path):
    server.breaks = [1000, 2000, 3000, 4000]
    with pytest.raises(DataError, match="after 4,000 bytes, from which the next try goes on"):
        download(server.url, str(path), MD5)
    assert not path.exists()
    download(server.url, str(path), MD5)
    assert server.requests[-1] == "bytes=4000-"
    assert path.read_bytes() == BODY


def test_a_server_that_cannot_resume_sends_all_again(server, path):
    server.breaks, server.ranges = [1000], False
    download(server.url, str(path), MD5)
    assert path.read_bytes() == BODY


@pytest.mark.parametrize("md5", [None, MD5], ids=["no MD5", "MD5"])
@pytest.mark.parametrize("said", ["its own", "none", "no number", "no whole length"])
def test_a_part_that_begins_elsewhere_is_not_put_behind_what_is_there(server, path, md5, said):
    server.breaks, server.version = [1000], '"one"'
    server.part_from = lambda start: 0
    if said != "its own":
        text = {"none": "", "no number": "bytes all", "no whole length": "bytes 0-1023999/*"}[said]
        server.range_of = lambda start, end: text
    download(server.url, str(path), md5)
    assert server.requests == [None, "bytes=1000-", None]
    assert path.read_bytes() == BODY


def test_a_part_that_ends_too_early_is_gone_on_from(server, path):
    server.breaks, server.version, server.upto = [1000], '"one"', 3000

    def lift(what, done, total):
        if done == 3000:
            server.upto = None

    download(server.url, str(path), None, lift)
    assert server.requests == [None, "bytes=1000-", "bytes=3000-"]
    assert path.read_bytes() == BODY


def test_a_part_that_nobody_asked_for_is_an_error(server, path):
    server.whole_status = 206
    server.range_of = lambda start, end: f"bytes 5-{end - 1}/{end}"
    with pytest.raises(DataError, match="the server sends a part where all was asked for"):
        download(server.url, str(path), None)
    assert not path.exists()


@pytest.mark.parametrize(
    "length", ["12 bytes", "-1", "1_024_000", "many", "9" * 5000], ids=lambda length: length[:12]
)
def test_a_length_that_is_no_number_is_an_error(server, path, length):
    server.length_of = lambda count: length
    with pytest.raises(DataError, match=f"the server says '{length[:40]}' for the length in b"):
        download(server.url, str(path), None)
    assert not path.exists()


def test_a_part_that_was_complete_is_only_verified(server, path):
    path.parent.mkdir()
    path.with_name("x.tar.gz.part").write_bytes(BODY)
    download(server.url, str(path), MD5)
    assert path.read_bytes() == BODY


@pytest.mark.parametrize("told", [True, False], ids=["length told", "length not told"])
def test_a_file_that_is_too_large_is_not_received(server, path, told):
    server.tells_length = told
    words = rf"'{server.url}' has [0-9,]+ bytes or more, and at most 600,000 belong there"
    with pytest.raises(DataError, match=words):
        download(server.url, str(path), None, limit=600_000)
    assert list(path.parent.iterdir()) == []
    assert len(server.requests) == 1
    download(server.url, str(path), None, limit=len(BODY))
    assert path.read_bytes() == BODY


def test_a_wrong_md5_deletes_what_was_received(server, path):
    with pytest.raises(DataError, match=f"was received with MD5 {MD5} instead of 0000 and deleted"):
        download(server.url, str(path), "0000")
    assert list(path.parent.iterdir()) == []


def test_a_wrong_part_does_not_spoil_the_next_try(server, path):
    path.parent.mkdir()
    path.with_name("x.tar.gz.part").write_bytes(b"wrong" * 10)
    with pytest.raises(DataError, match="was received with MD5"):
        download(server.url, str(path), MD5)
    download(server.url, str(path), MD5)
    assert path.read_bytes() == BODY


def test_a_file_that_is_there_is_verified_and_not_fetched(server, path):
    path.parent.mkdir()
    path.write_bytes(BODY)
    download(server.url, str(path), MD5)
    with pytest.raises(DataError, match=f"has MD5 {MD5} instead of 0000; delete it and run again"):
        download(server.url, str(path), "0000")
    assert server.requests == []


def test_a_refusal_is_final(server, path):
    server.status = 404
    with pytest.raises(
        DataError, match=r"cannot download 'http.*' \(Not Found\); .* put it at '.*"
    ):
        download(server.url, str(path), MD5)
    assert len(server.requests) == 1


def test_a_failing_server_is_tried_again(server, path):
    server.status = 503
    with pytest.raises(DataError, match="Service Unavailable"):
        download(server.url, str(path), MD5)
    assert len(server.requests) == 4


def test_two_downloads_of_one_file_fetch_it_once(server, path):
    seen, waiting = [], threading.Event()

    def report(what, done, total):
        seen.append(what.split()[0])
        waiting.set()

    second = threading.Thread(target=download, args=(server.url, str(path), MD5, report))

    def start_second(what, done, total):
        if not second.ident:
            second.start()
            assert waiting.wait(10)

    download(server.url, str(path), MD5, start_second)
    second.join()
    assert set(seen) == {"waiting"}
    assert server.requests == [None]
    assert [entry.name for entry in path.parent.iterdir()] == ["x.tar.gz"]


def test_no_network_says_which_file_to_put_where(path):
    with pytest.raises(
        DataError, match=r"get the file elsewhere and put it at '.*x.tar.gz'"
    ) as error:
        download("http://127.0.0.1:1/x.tar.gz", str(path), MD5)
    assert "Connection refused" in str(error.value)


def test_a_file_without_a_known_md5_is_taken_as_it_comes(server, path):
    download(server.url, str(path), None)
    download(server.url, str(path), None)
    assert path.read_bytes() == BODY
    assert len(server.requests) == 1


def test_a_file_without_a_known_md5_is_resumed_where_the_server_names_its_version(server, path):
    server.breaks, server.version = [1000, 2000, 3000, 4000, 5000], '"one"'
    with pytest.raises(DataError, match="after 4,000 bytes, from which the next try goes on"):
        download(server.url, str(path), None)
    download(server.url, str(path), None)
    assert server.requests[-2:] == ["bytes=4000-", "bytes=5000-"]
    assert path.read_bytes() == BODY
    assert [entry.name for entry in path.parent.iterdir()] == ["x.tar.gz"]


@pytest.mark.parametrize(
    "version",
    [None, 'W/"one"', '"fol\r\n ded"', '"\xfc"'],
    ids=["no version", "a weak one", "two lines", "no ASCII"],
)
def test_a_file_that_nothing_identifies_is_received_anew(server, path, version):
    server.breaks, server.version = [1000, 2000, 3000, 4000], version
    with pytest.raises(DataError) as caught:
        download(server.url, str(path), None)
    assert "goes on" not in str(caught.value)
    download(server.url, str(path), None)
    assert server.requests == [None] * 5
    assert path.read_bytes() == BODY


@pytest.mark.parametrize("heeds", [True, False], ids=["If-Range heeded", "not heeded"])
@pytest.mark.parametrize("later", [BODY[::-1], BODY[:-1][::-1], b"short"])
def test_a_file_that_is_replaced_between_two_tries_is_never_put_together(
    server, path, later, heeds
):
    server.breaks, server.version, server.heeds_if_range = [1000], '"one"', heeds

    def replace():
        server.version, server.body = '"two"', later

    server.after_break = replace
    download(server.url, str(path), None)
    assert path.read_bytes() == later
    assert [entry.name for entry in path.parent.iterdir()] == ["x.tar.gz"]


@pytest.mark.parametrize("version", [None, '"one"'])
def test_a_stale_part_that_nothing_verifies_is_not_taken_for_the_file(server, path, version):
    path.parent.mkdir()
    server.version = version
    path.with_name("x.tar.gz.part").write_bytes(b"x" * (len(BODY) + 5))
    path.with_name("x.tar.gz.part.version").write_text('"one"')
    download(server.url, str(path), None, limit=len(BODY))
    assert path.read_bytes() == BODY
    assert [entry.name for entry in path.parent.iterdir()] == ["x.tar.gz"]
