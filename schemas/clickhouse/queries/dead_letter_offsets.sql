-- Which offsets of [from, to] of one partition of a topic are dead letters? Both ends are inclusive.
SELECT DISTINCT offset
FROM plumbline_raw.dead_letters
WHERE topic = {topic:String}
  AND log_epoch = (SELECT max(log_epoch) FROM plumbline_raw.log_bindings)
  AND partition = {log_partition:UInt16}
  AND offset >= {from:UInt64}
  AND offset <= {to:UInt64}
