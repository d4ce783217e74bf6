mortise_fuzz_target(admin LINK mortise_admin nlohmann_json::nlohmann_json)
