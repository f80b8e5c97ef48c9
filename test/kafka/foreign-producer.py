"""Appends records as another team's producer would: confluent-kafka, with a codec of its own.

Reads from standard input one JSON object a line: key (or null), value, timestamp (or null). Prints how many Kafka
acknowledged.
"""

import json
import sys

from confluent_kafka import Producer

brokers, topic, codec = sys.argv[1:]
producer = Producer(
    {
        "bootstrap.servers": brokers,
        "compression.codec": codec,
        "linger.ms": 100,
        "acks": "all",
    }
)
acknowledged = 0


def delivered(error, _message):
    global acknowledged
    if error is not None:
        sys.exit(f"{codec}: {error}")
    acknowledged += 1


for line in sys.stdin:
    record = json.loads(line)
    given = {name: record[name] for name in ("key", "timestamp") if record[name] is not None}
    producer.produce(topic, value=record["value"], on_delivery=delivered, **given)
    producer.poll(0)
producer.flush(60)
print(acknowledged)
