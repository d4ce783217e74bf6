"""The lint of members proves itself: what it must find, and what it must leave alone."""
import unittest

import members


def found(text):
    return [offence.split(": ", 1)[1].split(" ")[0] for offence in members.check(text, "x.h")]


class MembersLint(unittest.TestCase):
    def test_finds_plain_members(self):
        self.assertEqual(found("struct A { std::string_view name; };"), ["A::name"])
        self.assertEqual(found("class A { public: int f(); private: std::span<const int> s_ = {}; };"), ["A::s_"])
        self.assertEqual(found("struct A { ByteView bytes{}; int n = 0; };"), ["A::bytes"])
        self.assertEqual(found("struct A { mqtt::LevelsView levels_; };"), ["A::levels_"])
        self.assertEqual(found("struct A { const std::string_view a, b; };"), ["A::b"])

    def test_finds_them_inside_of_templates_and_pointers(self):
        self.assertEqual(found("struct A { std::vector<std::string_view> names; };"), ["A::names"])
        self.assertEqual(found("struct A { std::optional<std::pair<int, ByteView>> p; };"), ["A::p"])
        self.assertEqual(found("struct A { const ByteView* p = nullptr; };"), ["A::p"])
        self.assertEqual(found("struct A { std::map<std::string_view, int> m; };"), ["A::m"])

    def test_finds_them_in_every_kind_of_class(self):
        self.assertEqual(found("namespace a { namespace b { template <class T> class A final : public B<T> { std::string_view s; }; } }"), ["A::s"])
        self.assertEqual(found("struct A { struct B { std::string_view s; }; };"), ["A::B::s"])
        self.assertEqual(found("struct alignas(64) A { std::string_view s; };"), ["A::s"])
        self.assertEqual(found("class [[nodiscard]] A { std::string_view s; };"), ["A::s"])
        self.assertEqual(found("union A { std::string_view s; };"), ["A::s"])
        self.assertEqual(found('extern "C" { struct A { std::string_view s; }; }'), ["A::s"])

    def test_finds_them_after_functions_of_every_form(self):
        self.assertEqual(found("struct A { A() : x_(1), y_{2} {} int x_, y_; std::string_view s; };"), ["A::s"])
        self.assertEqual(found("struct A { A() : y_{2}, v_(std::vector<int>{1, 2}) { f(); } std::string_view s; };"), ["A::s"])
        self.assertEqual(found("struct A { int f() const noexcept { return 1; } std::string_view s; };"), ["A::s"])
        self.assertEqual(found("struct A { auto f() -> int; ~A() = default; A(A&&) = delete; std::string_view s; };"), ["A::s"])
        self.assertEqual(found("struct A { bool operator==(const A&) const = default; std::string_view s; };"), ["A::s"])
        self.assertEqual(found("struct A { explicit operator bool() const { return true; } std::string_view s; };"), ["A::s"])
        self.assertEqual(found("struct A { enum class E { kA, kB }; std::string_view s; };"), ["A::s"])
        self.assertEqual(found("struct A { int x = 'a' + 1'000; std::string_view s; };"), ["A::s"])
        self.assertEqual(found("void f() { if (x) { y(); } }\nstruct A { std::string_view s; };"), ["A::s"])
        self.assertEqual(found("A::A() : a_(1), b_{2} { f(); }\nstruct A { std::string_view s; };"), ["A::s"])

    def test_finds_them_behind_attributes_and_locks(self):
        self.assertEqual(found("struct A { std::string_view s MORTISE_GUARDED_BY(mutex_); };"), ["A::s"])
        self.assertEqual(found("struct A { std::map<int, ByteView> s MORTISE_GUARDED_BY(mutex_){}; };"), ["A::s"])
        self.assertEqual(found("struct A { alignas(64) std::string_view s; };"), ["A::s"])
        self.assertEqual(found('struct A { [[deprecated("x")]] std::string_view s; };'), ["A::s"])
        self.assertEqual(found("struct A { int n MORTISE_GUARDED_BY(mutex_) = 0; std::string s; };"), [])

    def test_finds_every_borrowed_type(self):
        self.assertEqual(found("struct A { std::u8string_view s; };"), ["A::s"])
        self.assertEqual(found("struct A { std::initializer_list<int> s; };"), ["A::s"])
        self.assertEqual(found("struct A { std::string_view s[3]; };"), ["A::s"])
        self.assertEqual(found("struct A { std::variant<int, mqtt::PublishView> s; };"), ["A::s"])

    def test_finds_them_under_another_name(self):
        self.assertEqual(found("using Name = std::string_view;"), ["Name"])
        self.assertEqual(found("struct A { using Names = std::vector<ByteView>; };"), ["Names"])
        self.assertEqual(found("struct A : std::string_view { int x; };"), ["A"])
        self.assertEqual(found("struct A final : public base::LevelsView { };"), ["A"])
        self.assertEqual(found("using NameView = std::string_view; using Sink = std::function<bool(ByteView)>;"), [])
        self.assertEqual(found("struct NameView : std::string_view { }; struct B : C<ByteView> { };"), [])

    def test_finds_variables_that_outlive_a_call(self):
        self.assertEqual(found("namespace { std::string_view last; }"), ["last"])
        self.assertEqual(found("struct A { static inline std::string_view last; };"), ["last"])
        self.assertEqual(found("void f() { static std::string_view last = g(); }"), ["last"])
        self.assertEqual(found("thread_local std::vector<ByteView> all;"), ["all", "all"])
        self.assertEqual(found("const std::string_view kA = \"a\"; static const std::string_view kB[] = {}; std::string_view f(int);"), [])
        self.assertEqual(found("void f() { static constexpr std::string_view kA = \"a\"; std::string_view local; }"), [])

    def test_finds_pointers_to_connections_and_sessions(self):
        self.assertEqual(found("struct A { Connection* c = nullptr; };"), ["A::c"])
        self.assertEqual(found("struct A { const core::Connection& c; };"), ["A::c"])
        self.assertEqual(found("struct A { std::vector<ResidentSession*> all; };"), ["A::all"])
        self.assertEqual(found("struct A { std::shared_ptr<session::Session> s; };"), ["A::s"])
        self.assertEqual(found("struct AView { Connection& c; };"), [])
        self.assertEqual(found("struct A { Registry<Connection, Tag> all; ConnectionId id; SessionLimits* limits; void f(Connection& c); };"), [])

    def test_names_the_line(self):
        self.assertEqual(members.check("// one\nstruct A {\n  /* two */ int x;\n  ByteView b;\n};", "x.h")[0].split(": ")[0], "x.h:4")

    def test_leaves_views_alone(self):
        self.assertEqual(found("struct AView { std::string_view s; };"), [])
        self.assertEqual(found("class LevelsView { class Part { std::string_view s; }; };"), [])

    def test_leaves_functions_alone(self):
        self.assertEqual(found("struct A { std::string_view name() const; ByteView b(std::span<int> s); };"), [])
        self.assertEqual(found("struct A { virtual std::string_view name() const = 0; };"), [])
        self.assertEqual(found("struct A { std::string_view f() const { std::string_view local; return local; } };"), [])
        self.assertEqual(found("struct A { std::function<void(std::string_view)> f; void (*g)(ByteView) = nullptr; };"), [])
        self.assertEqual(found("struct A { std::vector<std::function<bool(ByteView)>> f_; };"), [])
        self.assertEqual(found("std::string_view free(ByteView b) { struct Local { int x; }; return {}; }"), [])

    def test_leaves_what_is_no_member_alone(self):
        self.assertEqual(found("struct A { static constexpr std::string_view kName = \"a\"; using S = std::string; };"), [])
        self.assertEqual(found("struct A { friend class BView; template <class T> void f(T); class CView; };"), [])
        self.assertEqual(found("// struct A { std::string_view s; };\nconst char* x = \"struct A { std::string_view s; };\";"), [])
        self.assertEqual(found("constexpr std::string_view kWords[] = {\"a\", \"b\"};"), [])
        self.assertEqual(found("#define M struct A { std::string_view s; };\nint x;"), [])
        self.assertEqual(found("struct A { std::string name; View view; };"), [])


if __name__ == "__main__":
    unittest.main()
