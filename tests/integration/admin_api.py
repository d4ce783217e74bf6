"""The HTTP API of a broker as a client that believes nothing: every answer is held against the description."""

import http.client
import json
import re
import ssl
import urllib.parse

import jsonschema


def as_json_schema(schema):
    """OpenAPI 3.0's `nullable` in the words of JSON Schema."""
    if isinstance(schema, list):
        return [as_json_schema(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: as_json_schema(part) for name, part in schema.items() if name != "nullable"}
    return {"anyOf": [{"type": "null"}, plain]} if schema.get("nullable") is True else plain


class Api:
    def __init__(self, broker, ca=None):
        self.folder = broker.folder / "data"
        url = urllib.parse.urlsplit((self.folder / "admin.url").read_text().strip())
        context = ssl.create_default_context(cafile=ca) if url.scheme == "https" else None
        self.connect = lambda: (http.client.HTTPSConnection(url.hostname, url.port, timeout=60, context=context) if context
                                else http.client.HTTPConnection(url.hostname, url.port, timeout=60))
        self.port = url.port
        self.token = (self.folder / "admin.token").read_text().strip()
        self.description = json.loads(self.raw("GET", "/api/v1/openapi.json", token=None)[1])

    def raw(self, method, target, body=None, token="", headers=None):
        """Status and body, as they come."""
        connection = self.connect()
        try:
            shown = {} if token is None else {"Authorization": f"Bearer {token or self.token}"}
            connection.request(method, target, body, {**shown, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def operation(self, method, target):
        path = urllib.parse.urlsplit(target).path
        for template, operations in self.description["paths"].items():
            pattern = re.sub(r"\\{[^}]*\\}", "[^/]*", re.escape(template))
            if re.fullmatch(pattern, path) and method.lower() in operations:
                return operations[method.lower()]
        raise AssertionError(f"{method} {path} is not described")

    def ask(self, method, target, body=None, **options):
        """Status and JSON; checked against the description, the request's body as well when it is taken."""
        text = json.dumps(body) if isinstance(body, dict) else body
        status, answer = self.raw(method, target, text, **options)
        operation = self.operation(method, target)
        response = operation["responses"][str(status)]["content"]["application/json"]["schema"]
        parsed = json.loads(answer)
        self.check(parsed, response)
        if status < 300 and body is not None:
            self.check(body, operation["requestBody"]["content"]["application/json"]["schema"])
        return status, parsed

    def get(self, target):
        status, answer = self.ask("GET", target)
        assert status == 200, (target, status, answer)
        return answer

    def check(self, value, schema):
        whole = {**as_json_schema(schema), "components": as_json_schema(self.description["components"])}
        jsonschema.Draft7Validator(whole, format_checker=jsonschema.FormatChecker()).validate(value)

    def wait_until(self, target, holds, deadline):
        while not holds(answer := self.get(target)):
            deadline(answer)
        return answer
