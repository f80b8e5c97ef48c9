-- Which ClickHouse is this? Its SQL and its settings grow with every version.
SELECT version() AS version
