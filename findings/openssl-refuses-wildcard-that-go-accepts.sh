#!/usr/bin/env bash
# A serving certificate for "*.example" (a wildcard directly below a one-label domain) is valid for "api.example" to
# Go (client-go, kubectl, the API server calling a webhook), and is not to OpenSSL's host name check, which Python's
# ssl module uses: OpenSSL wants two labels behind the asterisk. So a client in Python cannot reach an API server
# that kubectl reaches with the same kubeconfig.
#
# Versions: cryptography 50.0.2 makes the certificate; Python 3.11.7 with OpenSSL 3.0.19; Go 1.26.8.
# Output seen:
#   python: api.example refused (Hostname mismatch), www.sub.example accepted
#   go: api.example accepted, www.sub.example accepted
# Needs python3 with venv, and go. Ends with 1 when one of them behaves otherwise.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "cryptography==50.0.2"

cat > "$folder/ask.py" <<'PYTHON'
import datetime, pathlib, socket, ssl, sys, threading
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

folder = pathlib.Path(sys.argv[1])
now = datetime.datetime.now(datetime.timezone.utc)
key = ec.generate_private_key(ec.SECP256R1())
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "server")])
names = x509.SubjectAlternativeName([x509.DNSName("*.example"), x509.DNSName("*.sub.example")])
certificate = (
    x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(hours=1))
    .add_extension(names, critical=False)
    .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    .sign(key, hashes.SHA256())
)
pem = certificate.public_bytes(serialization.Encoding.PEM)
private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
(folder / "certificate.pem").write_bytes(pem)
(folder / "both.pem").write_bytes(private + pem)

def outcome(host):
    server, client = socket.socketpair()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    def serve():
        try:
            context.wrap_socket(server, server_side=True).close()
        except OSError:
            pass
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        trusting = ssl.create_default_context(cadata=pem.decode())
        trusting.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
        trusting.wrap_socket(client, server_hostname=host).close()
        said = "accepted"
    except ssl.SSLCertVerificationError as error:
        said = f"refused ({error.verify_message.split(',')[0]})"
    finally:
        client.close()
    thread.join()
    return f"{host} {said}"

print("python: " + ", ".join(outcome(host) for host in ("api.example", "www.sub.example")))
PYTHON

cat > "$folder/main.go" <<'GO'
package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	block, _ := pem.Decode(text)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	said := func(host string) string {
		if _, err := certificate.Verify(x509.VerifyOptions{DNSName: host, Roots: roots}); err != nil {
			return host + " refused (" + err.Error() + ")"
		}
		return host + " accepted"
	}
	fmt.Println("go: " + said("api.example") + ", " + said("www.sub.example"))
}
GO

seen=$("$folder/venv/bin/python" "$folder/ask.py" "$folder" | sed "s/Hostname mismatch.*'api.example'/Hostname mismatch/"; go run "$folder/main.go" "$folder/certificate.pem")
echo "$seen"
expected='python: api.example refused (Hostname mismatch), www.sub.example accepted
go: api.example accepted, www.sub.example accepted'
[ "$seen" = "$expected" ] || { echo "changed; seen before:"; echo "$expected"; exit 1; }
