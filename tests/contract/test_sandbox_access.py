import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sandbox_doors import HEADER, SECONDS, STOCK, opened, requisition

TOKEN = "/sap/bc/sec/oauth2/token"


def status(sandbox, **said):
    answer = requests.get(sandbox.root + STOCK + "?$top=1&$format=json", timeout=SECONDS, **said)
    return answer.status_code


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, 401),
        ({"auth": ("REPLENISHD", "wrong")}, 401),
        ({"auth": ("NOBODY", "sandbox")}, 401),
        ({"auth": ("REPLENISHD", "sandbox")}, 200),
        ({"headers": {"APIKey": "key-of-the-kingdom"}}, 200),
        ({"headers": {"APIKey": "another"}}, 401),
        ({"headers": {"Authorization": "Bearer nothing"}}, 401),
        ({"headers": {"Authorization": "Basic %%%"}}, 401),
    ],
)
def test_only_known_callers_come_in(sandbox, said, expected):
    assert status(sandbox, **said) == expected


def test_a_client_that_does_not_exist_is_refused(sandbox):
    assert sandbox.get(STOCK + "?$top=1&sap-client=100").status_code == 200
    assert sandbox.get(STOCK + "?$top=1&sap-client=999").status_code == 401


def test_client_credentials_buy_a_token_for_a_while():
    with opened(
        items=4, regions=0, history_days=0, oauth_client="c", oauth_secret="s", token_seconds=0.3
    ) as sandbox:
        url = sandbox.doors.url + TOKEN
        form = {"grant_type": "client_credentials"}
        assert requests.post(url, data=form, auth=("c", "no"), timeout=SECONDS).status_code == 401
        by_header = requests.post(url, data=form, auth=("c", "s"), timeout=SECONDS).json()
        by_form = requests.post(
            url, data={**form, "client_id": "c", "client_secret": "s"}, timeout=SECONDS
        ).json()
        assert by_form["access_token"] != by_header["access_token"]
        bearer = {"headers": {"Authorization": f"Bearer {by_header['access_token']}"}}
        assert status(sandbox, **bearer) == 200
        subprocess.run([sys.executable, "-c", "import time; time.sleep(0.35)"], check=True)
        assert status(sandbox, **bearer) == 401


def test_a_reader_may_not_write(sandbox):
    sandbox.web.auth = ("READER", "sandbox")
    try:
        assert sandbox.get(STOCK + "?$top=1").status_code == 200
        assert sandbox.post(requisition()).status_code == 403
        assert "x-csrf-token" not in sandbox.post(requisition()).headers
    finally:
        sandbox.web.auth = ("REPLENISHD", "sandbox")


def test_a_missing_authorisation_just_hides_the_plant(sandbox):
    sandbox.web.auth = ("BLIND", "sandbox")
    try:
        everywhere = {row["Plant"] for row in sandbox.all_rows(STOCK)}
        assert sandbox.rows(f"{STOCK}?$filter=Plant eq '1010'") == []
        assert sandbox.get(f"{STOCK}/$count?$filter=Plant eq '1010'").text == "0"
        product = sandbox.rows("API_PRODUCT_SRV/A_Product?$top=1&$expand=to_Plant")[0]
        assert sandbox.post(requisition()).status_code == 400
    finally:
        sandbox.web.auth = ("REPLENISHD", "sandbox")
    assert everywhere == {"1000", "1020"}
    assert {row["Plant"] for row in product["to_Plant"]["results"]} == {"1000", "1020"}
    assert sandbox.rows(f"{STOCK}?$filter=Plant eq '1010'")


def test_it_speaks_tls(tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certfile, keyfile = tmp_path / "cert.pem", tmp_path / "key.pem"
    certfile.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    keyfile.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    with opened(items=4, regions=0, history_days=0, certfile=certfile, keyfile=keyfile) as sandbox:
        assert sandbox.doors.url.startswith("https://127.0.0.1:")
        url = sandbox.root.replace("127.0.0.1", "localhost") + STOCK + "?$top=1"
        answer = sandbox.web.get(url, verify=str(certfile), timeout=SECONDS)
        assert answer.json()["d"]["results"][0]["__metadata"]["uri"].startswith("https://localhost")


def test_other_paths_lead_nowhere(sandbox):
    answer = requests.get(sandbox.doors.url + "/", timeout=SECONDS)
    assert answer.status_code == 404
    assert HEADER not in answer.text
