-- Keeps rows older than the retention of their table, for a replay of history in a database of its own: retention counts
-- from today and would delete what is replayed.
SYSTEM STOP TTL MERGES
