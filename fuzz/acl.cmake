find_package(yaml-cpp REQUIRED)
mortise_fuzz_target(acl LINK yaml-cpp)
target_sources(fuzz_acl PRIVATE ${CMAKE_SOURCE_DIR}/plugins/auth-file/acl.cc
               ${CMAKE_SOURCE_DIR}/plugins/auth-file/acl_file.cc)
target_include_directories(fuzz_acl PRIVATE ${CMAKE_SOURCE_DIR}/plugin-sdk/include)
