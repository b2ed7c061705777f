"""Every route of a running application, found by asking the application."""

from __future__ import annotations


def flat(routes):
    """List routes, also those of routers that the framework keeps whole."""
    for route in routes:
        included = getattr(route, "original_router", None)
        yield from [route] if included is None else flat(included.routes)


def all_routes(gate):
    paths = gate.app.openapi()["paths"]
    documented = {(method.upper(), path) for path, each in paths.items() for method in each}
    found = {
        (method, route.path.replace(":path}", "}"))
        for route in flat(gate.app.router.routes)
        if getattr(route, "methods", None)
        for method in route.methods
    }
    assert documented <= found, "OpenAPI names routes that were not found"
    return sorted(documented | found)


def filled(path, pending):
    values = {
        "request_id": pending["id"],
        "staging_id": pending["staging"],
        "path": "customers/part-00009.parquet",
        "provider": "company",
        "standing_id": "sta_none",
        "delegation_id": "del_none",
        "review_id": "pre_none",
        "passkey_id": "0" * 64,
        "dry_run": "dry_none",
    }
    for name, value in values.items():
        path = path.replace("{" + name + "}", value)
    assert "{" not in path, f"the test does not know how to fill {path}"
    return path
