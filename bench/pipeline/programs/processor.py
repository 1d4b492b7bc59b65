"""The processor as it is usually first written: one insert and one update a message."""

import json
import os
import threading
import time
from collections import defaultdict, deque
from datetime import datetime

import uvicorn
from confluent_kafka import Consumer
from fastapi import FastAPI
from pymongo import MongoClient

TOPIC_METRIC = os.environ["TOPIC_METRIC"]
TOPIC_TOKEN = os.environ["TOPIC_TOKEN"]
PRICE_PER_HOUR_USD = float(os.environ.get("PRICE_PER_HOUR_USD", "0.85"))
WINDOW_SECONDS = 30

database = MongoClient(os.environ["MONGODB_URI"]).get_default_database()
app = FastAPI()
latest = {}


@app.get("/health")
def health():
    return {"status": "ok"}


@app.get("/gpu/info")
def gpu_info():
    return latest


def store_sample(sample):
    latest.clear()
    latest.update(sample)
    document = dict(sample, ts=datetime.fromisoformat(sample["ts"].replace("Z", "+00:00")))
    inserted = database.gpu_metrics.insert_one(document).inserted_id
    database.gpu_metrics.update_one({"_id": inserted}, {"$set": {"stored_at": time.time()}})


windows = defaultdict(deque)


def store_usage(usage):
    ts = datetime.fromisoformat(usage["ts"].replace("Z", "+00:00"))
    tokens = usage["prompt_tokens"] + usage["completion_tokens"]
    inserted = database.token_usage.insert_one(dict(usage, ts=ts, tokens=tokens)).inserted_id
    window = windows[(usage.get("host"), usage["gpu_index"])]
    window.append((ts.timestamp(), tokens))
    while window[0][0] < ts.timestamp() - WINDOW_SECONDS:
        window.popleft()
    tps = sum(each for _, each in window) / max(1.0, window[-1][0] - window[0][0])
    price = latest.get("price_per_hour_usd", PRICE_PER_HOUR_USD)
    cost = {"tps": tps, "cost_per_token": price / (tps * 3600) if tps else None}
    database.token_usage.update_one({"_id": inserted}, {"$set": cost})


def consume():
    database.gpu_metrics.create_index("ts")
    database.gpu_metrics.create_index([("host", 1), ("gpu_index", 1)])
    database.token_usage.create_index("ts")
    database.token_usage.create_index("model")
    consumer = Consumer(
        {
            "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP"],
            "group.id": os.environ["CONSUMER_GROUP"],
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([TOPIC_METRIC, TOPIC_TOKEN])
    while True:
        message = consumer.poll(1.0)
        if message is None or message.error():
            continue
        fields = json.loads(message.value())
        if message.topic() == TOPIC_METRIC:
            store_sample(fields)
        else:
            store_usage(fields)


if __name__ == "__main__":
    threading.Thread(target=consume, daemon=True).start()
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["HTTP_PORT"]), log_level="warning")
