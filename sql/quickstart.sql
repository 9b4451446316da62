-- The quick start: a server inside this process, a remote table, an index, a query.
-- Run it with: build/release/duckdb -f sql/quickstart.sql

-- Start a server on port 8815 and attach it as database dh.
SELECT duckherder_start_local_server(8815);
ATTACH DATABASE 'dh' (TYPE duckherder, server_host 'localhost', server_port 8815);

-- Create a table. It lives on the server.
CREATE TABLE dh.users (
    id INTEGER,
    name VARCHAR,
    email VARCHAR,
    created_at TIMESTAMP
);

-- Insert data.
INSERT INTO dh.users VALUES
    (1, 'Alice', 'alice@example.com', '2024-01-15 10:30:00'),
    (2, 'Bob', 'bob@example.com', '2024-01-16 14:20:00'),
    (3, 'Charlie', 'charlie@example.com', '2024-01-17 09:15:00');

-- Create an index.
CREATE INDEX idx_users_email ON dh.users(email);

-- Query it as if it were local.
SELECT * FROM dh.users WHERE id > 1;

-- Drop the table, detach and stop the server.
DROP TABLE dh.users;
DETACH dh;
SELECT duckherder_stop_local_server();
