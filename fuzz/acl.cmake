find_package(yaml-cpp REQUIRED)
mortise_fuzz_target(acl LINK yaml-cpp mbedcrypto)
target_sources(fuzz_acl PRIVATE $<TARGET_OBJECTS:plugin_auth-file>)
target_include_directories(fuzz_acl PRIVATE ${CMAKE_SOURCE_DIR}/plugin-sdk/include)
