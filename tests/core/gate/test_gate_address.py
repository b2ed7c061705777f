from __future__ import annotations

import socket
import ssl

import httpx
import pytest

from maskgate import GateClient
from maskgate.errors import GateUnreachable, NotFound, UsageError
from maskgate.gate.gate_address import gate_address, gate_token, id_segment, no_answer


class TestGateAddress:
    """Says where the gate is, and nothing else."""

    @pytest.mark.parametrize(
        ("written", "address"),
        [
            ("http://127.0.0.1:8470", "http://127.0.0.1:8470"),
            ("https://gate.example/", "https://gate.example"),
            ("  http://gate.example \n", "http://gate.example"),
            ("http://[::1]:8470", "http://[::1]:8470"),
            ("https://tools.example/maskgate/", "https://tools.example/maskgate"),
        ],
    )
    def test_what_is_taken(self, written, address):
        assert gate_address(written) == address

    @pytest.mark.parametrize(
        ("written", "why"),
        [
            ("", "no http or https URL"),
            (None, "no http or https URL"),
            ("127.0.0.1:8470", "no http or https URL"),
            ("ftp://gate.example", "no http or https URL"),
            ("http://", "no http or https URL"),
            ("http://[::1", "no http or https URL"),
            ("http://[gate]", "no http or https URL"),
            ("http://gate.example:99999", "no http or https URL"),
            ("http://gate.example:x", "no http or https URL"),
            ("http://gate .example", "no http or https URL"),
            ("http://gate.example/api/v1", "more than where the gate is"),
            ("http://gate.example/?team=a", "more than where the gate is"),
            ("http://gate.example/#top", "more than where the gate is"),
        ],
    )
    def test_what_is_refused(self, written, why):
        with pytest.raises(UsageError) as caught:
            gate_address(written)
        assert why in str(caught.value)
        assert "http://127.0.0.1:8470" in str(caught.value)

    @pytest.mark.parametrize(
        ("written", "why"),
        [
            pytest.param("http://anna:geheim@gate.example", "password", id="a login"),
            pytest.param("ftp://anna:geheim@gate.example", "password", id="a login of another protocol"),
            pytest.param("mg_pipeline_geheim", "no http or https URL", id="the token in its place"),
            pytest.param("http://gate.example/?token=geheim", "more than where", id="the token behind it"),
        ],
    )
    def test_a_secret_is_not_shown(self, written, why):
        with pytest.raises(UsageError, match=why) as caught:
            gate_address(written)
        assert "geheim" not in str(caught.value)


class TestGateToken:
    """One word, which no message shows."""

    def test_the_end_of_a_line_does_not_count(self):
        assert gate_token("mg_pipeline_x\n") == "mg_pipeline_x"

    @pytest.mark.parametrize("written", ["", " ", None, 5, "mg_é", "mg_a\nmg_b", "Bearer mg_pipeline_x"])
    def test_what_no_gate_gives_out(self, written):
        with pytest.raises(UsageError) as caught:
            gate_token(written)
        assert "pipeline.token" in str(caught.value)
        assert "mg_pipeline_x" not in str(caught.value)


class TestIdSegment:
    """What is no id is asked of nobody."""

    @pytest.mark.parametrize("written", ["", "../requests", "req 1", {"id": "req_1"}, None, "x" * 201])
    def test_what_is_none(self, written):
        with pytest.raises(UsageError, match="no id"):
            id_segment(written)


class TestNoAnswer:
    """Why nobody answered, in words of our own: an error's text could hold what was sent."""

    @pytest.mark.parametrize(
        ("cause", "why"),
        [
            (socket.gaierror(-2, "geheim"), "no host of that name is known"),
            (ConnectionRefusedError(111, "geheim"), "nobody listens there"),
            (ssl.SSLCertVerificationError("geheim"), "certificate is not trusted"),
            (ssl.SSLError("geheim"), "https"),
        ],
    )
    def test_causes(self, cause, why):
        error = httpx.ConnectError("geheim")
        error.__cause__ = OSError("geheim")
        error.__cause__.__cause__ = cause
        assert why in no_answer(error)
        assert "geheim" not in no_answer(error)

    def test_no_cause(self):
        assert no_answer(httpx.ReadTimeout("geheim")) == "ReadTimeout"

    def test_nobody_listens(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            with pytest.raises(GateUnreachable, match="nobody listens there"):
                GateClient(f"http://127.0.0.1:{free.getsockname()[1]}", "mg_pipeline_x").requests()


class TestUploads:
    """A file is named by its path, as text or as a Path."""

    def client(self, seen):
        def answer(request):
            seen.append(request.read())
            return httpx.Response(404, json={"code": "not_found", "detail": "no such staging"})

        return GateClient("http://gate.example", "mg_pipeline_x", transport=httpx.MockTransport(answer))

    def test_a_path_as_text(self, tmp_path):
        (tmp_path / "a.parquet").write_bytes(b"bytes")
        seen = []
        with pytest.raises(NotFound, match="no such staging"):
            self.client(seen).upload("stg_1", "customers/a.parquet", str(tmp_path / "a.parquet"))
        assert seen == [b"bytes"]

    def test_a_file_that_is_not_there(self, tmp_path):
        seen = []
        with pytest.raises(UsageError, match=r"a\.parquet cannot be read: No such file"):
            self.client(seen).upload("stg_1", "customers/a.parquet", tmp_path / "a.parquet")
        assert seen == []
