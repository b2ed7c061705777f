"""Tools of AI agents behind the gate: an MCP server whose calls wait for a signature where policy says so."""
