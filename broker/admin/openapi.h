#pragma once

#include "broker/admin/fields.h"

namespace mortise::admin {

/// The OpenAPI 3.0 description of the API, made from the table of routes and the schemas.
Json openapi();

/// The schemas (components/schemas) that routes name.
const Json& schemas();

}  // namespace mortise::admin
