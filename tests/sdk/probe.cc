// Loads a plugin built against the installed SDK and prints what it says of itself; starts it if given a configuration.
#include <cstdio>
#include <mortise/testing/fake_host.hpp>

int main(int argc, char** argv) {
  try {
    mortise::testing::FakeHost host{std::string(argv[1])};
    const mortise_plugin& plugin = host.plugin();
    std::printf("%.*s", static_cast<int>(plugin.name.size), plugin.name.data);
    for (std::uint32_t i = 0; i < plugin.hook_count; ++i) std::printf(" %#06x", plugin.hooks[i].hook_id);
    std::printf("\n");
    if (argc > 2 && host.start(argv[2]) != mortise::Status::ok) {
      std::printf("start: %s\n", host.failure().c_str());
      return 1;
    }
    return 0;
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
}
