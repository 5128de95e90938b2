"""MQTT: how a bot stands and what happens to it, told to a broker; signed commands from there."""

from bot.monitor.mqtt.envelope import Key
from bot.monitor.mqtt.link import Broker
from bot.monitor.mqtt.outlet import MqttOutlet
from bot.monitor.mqtt.topics import Topics

__all__ = ["Broker", "Key", "MqttOutlet", "Topics"]
