"""A test with a certificate authority of its own, by openssl, in the folder of the test."""

import support


class AuthorityTest(support.BrokerTest):
    """`ca.pem` is there, and what `issue` makes: NAME.key and NAME.pem."""

    def setUp(self):
        super().setUp()
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "ca.key",
                     "-out", "ca.pem", "-subj", "/CN=Test Authority", "-days", "2")
        self.issue("server", "/CN=localhost", "DNS:localhost,IP:127.0.0.1")

    def openssl(self, *arguments, **options):
        return self.succeed("openssl", *arguments, cwd=self.folder, **options)

    def issue(self, name, subject, names):
        (self.folder / f"{name}.ext").write_text(f"subjectAltName={names}")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key",
                     "-out", f"{name}.csr", "-subj", subject)
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                     "-extfile", f"{name}.ext", "-out", f"{name}.pem")
