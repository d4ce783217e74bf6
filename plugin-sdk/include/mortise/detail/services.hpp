#pragma once

/// The host's tables, as fetched by the entry; how a function of them is called.

#include <mortise/status.hpp>

MORTISE_SDK_BEGIN
namespace detail {

/// Set once by the entry, before any hook; read-only from then on. Thread: any.
struct Services {
#define MORTISE_SERVICE_MEMBER(service, type, name) const type* service = nullptr;
  MORTISE_FOR_EACH_SERVICE(MORTISE_SERVICE_MEMBER)
#undef MORTISE_SERVICE_MEMBER
};
__attribute__((visibility("hidden"))) inline Services services;

/// Which member of Services holds a table of this type.
template <class Table>
struct ServiceOf;
#define MORTISE_SERVICE_OF(service, type, name)             \
  template <>                                               \
  struct ServiceOf<type> {                                  \
    static const type* table() { return services.service; } \
  };
MORTISE_FOR_EACH_SERVICE(MORTISE_SERVICE_OF)
#undef MORTISE_SERVICE_OF

template <class Member>
struct TableOfMember;
template <class Table, class Function>
struct TableOfMember<Function Table::*> {
  using type = Table;
};

/// host<&mortise_core_v1::log>(...): E_UNSUPPORTED when this host has no such service or an older, shorter table.
template <auto Member, class... Arguments>
Status host(Arguments... arguments) {
  using Table = typename TableOfMember<decltype(Member)>::type;
  const Table* table = ServiceOf<Table>::table();
  if (table == nullptr) return Status::e_unsupported;
  const char* const function = reinterpret_cast<const char*>(&(table->*Member));
  const auto end = static_cast<std::size_t>(function - reinterpret_cast<const char*>(table)) + sizeof(void*);
  if (end > table->struct_size) return Status::e_unsupported;
  return Status{(table->*Member)(arguments...)};
}

/// Asks the host for every service. core, view and decision are on every host; the others may be missing.
inline Status fetch_services(const mortise_hello& hello) {
#define MORTISE_FETCH_SERVICE(service, type, name)                                     \
  {                                                                                    \
    const void* table = nullptr;                                                       \
    const bool is_there = hello.get_service(MORTISE_TEXT(name), &table) == MORTISE_OK; \
    services.service = is_there ? static_cast<const type*>(table) : nullptr;           \
  }
  MORTISE_FOR_EACH_SERVICE(MORTISE_FETCH_SERVICE)
#undef MORTISE_FETCH_SERVICE
  const bool has_all = services.core != nullptr && services.view != nullptr && services.decision != nullptr;
  return has_all ? Status::ok : Status::e_unsupported;
}

}  // namespace detail
MORTISE_SDK_END
