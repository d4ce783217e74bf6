"""Reads mortise.toml, checks that it is complete, and computes layouts, ids and hashes."""

import hashlib
import re
import tomllib

SCALARS = {"char": 1, "uint16_t": 2, "uint32_t": 4, "uint64_t": 8, "mortise_handle": 8}
THREADS = ("init", "hook", "any")
FIELD_TYPES = ("u64", "bytes", "pairs", "child", "payload")
RECORD_STREAMS = ("batch", "load", "fetch")


class DescriptionError(Exception):
    """The description is incomplete or contradicts itself."""


def require(condition, message):
    if not condition:
        raise DescriptionError(message)


def hash64(text):
    """First 8 bytes of SHA-256, as a number."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def pascal(name):
    return "".join(part.capitalize() for part in name.split("_"))


class Model:
    """The description with everything derived from it; immutable once made."""

    def __init__(self, source):
        self.source = source
        self.abi = source["abi"]
        self.statuses = source["status"]
        self.constants = source["constants"]
        self.structs = source["struct"]
        self.callbacks = source["callback"]
        self.handle = source["handle"]
        self.kinds = source["kind"]
        self.families = source["family"]
        self.services = source["service"]
        self.records = source["record"]
        self.sizes = dict(SCALARS)
        self._check_statuses()
        self._check_constants()
        for callback in self.callbacks:
            self._complete_function(callback, f"callback {callback['name']}")
            self.sizes["mortise_" + callback["name"]] = 8
        for struct in self.structs:
            self._lay_out(struct, "mortise_")
        self._complete_services()
        self._complete_kinds()
        self._complete_hooks()
        self._complete_records()

    # ---- Statuses and functions ----
    def _check_statuses(self):
        self.status_values = {}
        for status in self.statuses:
            require(status.get("doc"), f"status {status['name']} has no doc")
            require(0 <= status["value"] < 64, f"status {status['name']} does not fit a 64-bit mask")
            require(status["value"] not in self.status_values.values(), f"status {status['name']} repeats a value")
            self.status_values[status["name"]] = status["value"]

    def expand_errors(self, names, where):
        """The status names of a list that may name error sets, ordered by value."""
        result = set()
        for name in names:
            for status in self.source["error_sets"][name[1:]] if name.startswith("@") else [name]:
                require(status in self.status_values and status != "OK", f"{where}: unknown error {status}")
                result.add(status)
        return sorted(result, key=self.status_values.get)

    def status_mask(self, names):
        return sum(1 << self.status_values[name] for name in names)

    def _complete_function(self, function, where):
        for key in ("doc", "ownership", "lifetime", "thread", "errors"):
            require(key in function, f"{where} does not say its {key}")
            require(key == "errors" or function[key], f"{where}: {key} is empty")
        for thread in function["thread"]:
            require(thread in THREADS, f"{where}: unknown thread tag {thread}")
        for param in function["params"]:
            require(param.get("doc"), f"{where}: parameter {param['name']} has no doc")
        function["all_errors"] = self.expand_errors(function["errors"], where)
        function["parameters"] = ", ".join(declare(p["type"], p["name"]) for p in function["params"])
        function["tags"] = " ".join(f"[{thread}]" for thread in function["thread"])

    def _check_constants(self):
        seen = {}
        for group in self.constants:
            require(group.get("doc"), f"constants {group['prefix']} have no doc")
            for value in group["values"]:
                require(value.get("doc"), f"constant {group['prefix']}_{value['name']} has no doc")
                name = f"{group['prefix']}_{value['name']}"
                require(name not in seen, f"constant {name} is there twice")
                seen[name] = value["value"]
        self.constant_values = seen

    # ---- Structures ----
    def _lay_out(self, struct, prefix):
        """Gives each field its offset; implicit padding is refused."""
        name = prefix + struct["name"]
        require(struct.get("doc"), f"{name} has no doc")
        offset, alignment = 0, 1
        for field in struct["fields"]:
            require(field.get("doc"), f"{name}.{field['name']} has no doc")
            size = self._size_of(field["type"], name)
            align = min(size, 8)
            require(offset % align == 0, f"{name}.{field['name']} would need padding before it")
            field["offset"] = offset
            field["size"] = size * field.get("count", 1)
            offset += field["size"]
            alignment = max(alignment, align)
        require(offset % alignment == 0, f"{name} would need padding at its end")
        struct["size"] = offset
        self.sizes[name] = offset

    def _size_of(self, kind, where):
        if kind.endswith("*"):
            return 8
        require(kind in self.sizes, f"{where}: unknown type {kind}")
        return self.sizes[kind]

    # ---- Services, kinds, hooks ----
    def _complete_services(self):
        for service in self.services:
            require(service.get("doc"), f"service {service['name']} has no doc")
            service["full_name"] = f"mortise.{service['name']}/{service['version']}"
            service["type"] = f"mortise_{service['name']}_v{service['version']}"
            service["size"] = 8 + 8 * len(service["function"])
            for slot, function in enumerate(service["function"]):
                where = f"{service['full_name']} {function['name']}"
                self._complete_function(function, where)
                require("any" in function["thread"] or "E_WRONG_THREAD" in function["all_errors"],
                        f"{where} is bound to threads and cannot answer E_WRONG_THREAD")
                function["offset"] = 8 + 8 * slot
                function["canonical"] = (f"{where}: uint32_t({function['parameters']}) threads {function['tags']} "
                                         f"errors {' '.join(function['all_errors'])}")
                function["signature"] = hash64(function["canonical"])

    def _complete_kinds(self):
        self.kind_by_name = {kind["name"]: kind for kind in self.kinds}
        require(len(self.kinds) < 1 << self.handle["kind_bits"], "too many kinds")
        for kind in self.kinds:
            kind.setdefault("class", "borrowed")
            require(kind.get("doc"), f"kind {kind['name']} has no doc")
            require(len(kind["fields"]) <= 64, f"kind {kind['name']} has more fields than a mask has bits")
            for bit, field in enumerate(kind["fields"]):
                where = f"{kind['name']}.{field['name']}"
                require(field.get("doc"), f"{where} has no doc")
                require(field["type"] in FIELD_TYPES, f"{where}: unknown type {field['type']}")
                require((field["type"] == "child") == ("child" in field), f"{where}: child kind")
                require(field.get("child") is None or field["child"] in self.kind_by_name, f"{where}: unknown kind")
                field["id"] = kind["value"] * 256 + bit
                field["macro"] = f"MORTISE_FIELD_{kind['prefix']}_{field['name'].upper()}"

    def _complete_hooks(self):
        self.hooks = []
        decisions = {f["name"]: f for s in self.services if s["name"] == "decision" for f in s["function"]}
        prototype = next(c for c in self.callbacks if c["name"] == "hook_fn")
        for family in self.families:
            family["full_name"] = f"mortise.{family['name']}/{family['version']}"
            for place, hook in enumerate(family["hook"]):
                where = f"{family['full_name']} {hook['name']}"
                require(hook.get("doc"), f"{where} has no doc")
                require(hook["call"] in self.kind_by_name, f"{where}: unknown call kind")
                require(bool(hook["verdicts"]) == ("decision" in hook), f"{where}: verdicts without decision")
                require(hook.get("decision") is None or hook["decision"] in decisions, f"{where}: unknown decision")
                hook["family"] = family
                hook["id"] = family["number"] * 256 + place + 1
                hook["macro"] = f"{family['name']}_{hook['name']}".upper()
                hook["all_statuses"] = ["OK"] + self.expand_errors(hook["statuses"], where)
                hook["verdict_mask"] = sum(1 << self.constant_values["VERDICT_" + v] for v in hook["verdicts"])
                children = [f["child"] for f in self.kind_by_name[hook["call"]]["fields"] if "child" in f]
                require(len(children) <= 1, f"{where}: more than one kind of child")
                hook["child"] = children[0] if children else None
                hook["canonical"] = (
                    f"{where}: uint32_t({prototype['parameters']}) call {hook['call']} "
                    f"decision {hook.get('decision', 'none')} verdicts {' '.join(hook['verdicts']) or 'none'} "
                    f"statuses {' '.join(hook['all_statuses'])}")
                hook["signature"] = hash64(hook["canonical"])
                self.hooks.append(hook)

    # ---- Records ----
    def _complete_records(self):
        self.record_header = dict(self.source["record_header"], name="record")
        self.record_range = dict(self.source["record_range"], name="range")
        self._lay_out(self.record_header, "mortise_")
        self._lay_out(self.record_range, "mortise_")
        for record in self.records:
            for stream in record["in"]:
                require(stream in RECORD_STREAMS, f"record {record['name']}: unknown stream {stream}")
            header = {"name": "header", "type": "mortise_record", "doc": "The head."}
            ranges = [dict(r, type="mortise_range", is_range=True) for r in record["ranges"]]
            record["members"] = [header] + record["fields"] + ranges
            self._lay_out_record(record)

    def _lay_out_record(self, record):
        struct = {"name": record["name"], "doc": record.get("doc"), "fields": record["members"]}
        sizes = self.sizes
        self.sizes = dict(sizes, mortise_record=24, mortise_range=8)
        # Ranges and the header align as 4 and 8 in C; every record keeps both at multiples of 8.
        self._lay_out(struct, "mortise_")
        self.sizes = dict(sizes)
        require(struct["size"] % 8 == 0, f"record {record['name']} is not a multiple of 8")
        record["size"] = struct["size"]
        record["range_count"] = len(record["ranges"])


def declare(kind, name):
    """`type name` as C writes it, with the star at the type."""
    return f"{kind} {name}"


def load(path):
    """Reads and completes the description at `path`; raises DescriptionError."""
    with open(path, "rb") as file:
        return Model(tomllib.load(file))


def camel_constant(name):
    return "k" + pascal(name.lower())


def one_line(text):
    return re.sub(r"\s+", " ", text).strip()
