"""The forwarder between a real RabbitMQ and Local AWS."""

import json
from collections.abc import Iterable

import pytest

from ingest.batching import MAX_RECORD_BYTES
from tests.fixtures.local_aws import LocalAws
from tests.fixtures.rabbitmq import free_port
from tests.ingest.site import ForwarderProcess, Site, wait_until

FAILING = {"firehose.PutRecordBatch": {"fail_share": 0.3}}


def check_exactly_once(site: Site) -> None:
    """Everything published is in raw at least once, in trusted once, and Logstash lost nothing."""
    numbers = {json.loads(body)["d"] for body in site.published}
    raw = site.raw()
    assert set(raw) == numbers
    accounting = site.run_pipeline().accounting
    assert accounting.records_in == raw.total()
    assert accounting.quarantined == {}
    assert site.trusted() == sorted(numbers)
    assert {message.body for message in site.take_all(site.logstash_queue)} >= set(site.published)


def stop_all(forwarders: Iterable[ForwarderProcess]) -> None:
    for forwarder in forwarders:
        code, said = forwarder.stop()
        assert (code, "Traceback" in said) == (0, False), said


def test_a_killed_broker_and_a_failing_firehose_lose_nothing(site: Site, local_aws: LocalAws) -> None:
    local_aws.set_faults(FAILING)
    site.publish(site.readings(2500))
    forwarder = site.start_forwarder()
    wait_until("messages are held", lambda: forwarder.count("held_messages") > 0)
    site.broker.kill()
    wait_until("the loss is told", lambda: forwarder.page("readyz")[0] == 503)
    assert "not connected" in forwarder.page("readyz")[1]
    assert forwarder.page("healthz")[0] == 200
    site.broker.start()
    site.publish(site.readings(500))
    site.wait_for_raw()
    assert forwarder.page("readyz") == (200, "forwarding\n")
    assert forwarder.count("lost_connections_total") >= 1
    assert forwarder.count("refused_records_total") > 0
    stop_all([forwarder])
    assert site.ready(site.queue) == 0
    check_exactly_once(site)


def test_one_of_two_forwarders_killed_in_a_batch_loses_nothing(site: Site, local_aws: LocalAws) -> None:
    local_aws.set_faults(FAILING)
    first, second = site.start_forwarder("--prefetch=300"), site.start_forwarder("--prefetch=300")
    for forwarder in (first, second):
        wait_until("both consume", lambda one=forwarder: one.page("readyz")[0] == 200)  # type: ignore[misc]
    site.publish(site.readings(4000))
    wait_until("both have forwarded", lambda: first.count("held_messages") > 0)
    first.kill()
    site.wait_for_raw()
    assert second.count("received_messages_total") > 0
    stop_all([second])
    assert site.ready(site.queue) == 0
    check_exactly_once(site)


def test_poison_goes_to_the_dead_letters_with_its_reason(site: Site) -> None:
    site.publish(site.readings(3))
    for body, encoding in ((b"", None), (b"x" * (MAX_RECORD_BYTES + 1), None), (b"\x1f\x8b", "gzip")):
        published = site.published
        site.publish([body], content_encoding=encoding, message_id="one", headers={"device": "7"})
        site.published = [each for each in published if each != body]
    forwarder = site.start_forwarder()
    site.wait_for_raw()
    wait_until("all is settled", lambda: forwarder.count("dead_lettered_messages_total") == 3)
    assert forwarder.count("held_messages") == 0
    stop_all([forwarder])
    dead = site.take_all(f"{site.queue}.dead")
    assert [(message.headers["x-firelake-reason"], len(message.body)) for message in dead] == [
        ("empty", 0),
        ("too_large", MAX_RECORD_BYTES + 1),
        ("encoded", 2),
    ]
    assert {message.headers["device"] for message in dead} == {"7"}
    assert {message.headers["x-firelake-exchange"] for message in dead} == {site.exchange}
    assert {message.headers["x-firelake-routing-key"] for message in dead} == {"device.1"}
    assert set(site.raw().values()) == {1}


def test_reading_one_queue_and_writing_dead_letters_is_all_that_it_needs(site: Site) -> None:
    user = f"forwarder-{site.name}"
    site.broker.control("add_user", user, "secret")
    rights = ["^$", r"^amq\.default$", f"^{site.queue.replace('.', chr(92) + '.')}$"]
    site.broker.control("set_permissions", user, *rights)
    site.url = site.broker.url_of(user, "secret")
    site.publish([*site.readings(3), b""])
    site.published.remove(b"")
    forwarder = site.start_forwarder()
    site.wait_for_raw()
    wait_until("the poison is buried", lambda: forwarder.count("dead_lettered_messages_total") == 1)
    stop_all([forwarder])
    assert "access refused" in site.declare().stderr


def test_a_young_batch_is_sent_before_the_end(site: Site) -> None:
    forwarder = site.start_forwarder("--age-s=600")
    site.publish(site.readings(7))
    wait_until("all are held", lambda: forwarder.count("held_messages") == 7)
    assert site.raw().total() == 0
    stop_all([forwarder])
    site.wait_for_raw()
    assert site.ready(site.queue) == 0


def test_what_firehose_does_not_take_in_time_is_given_back(site: Site, local_aws: LocalAws) -> None:
    local_aws.set_faults({"firehose.PutRecordBatch": {"fail_share": 1}})
    forwarder = site.start_forwarder("--drain-s=0.5", "--concurrency=1")
    site.publish(site.readings(1200))
    wait_until("it is refused", lambda: forwarder.count("failed_calls_total") > 0)
    assert forwarder.page("readyz")[0] == 503
    code, said = forwarder.stop()
    assert code == 0
    assert "gave back" in said
    wait_until("the broker has them again", lambda: site.ready(site.queue) == 1200)
    assert site.raw().total() == 0


def test_it_ends_while_nobody_answers_at_aws(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    forwarder = site.start_forwarder("--drain-s=0.5")
    site.publish(site.readings(3))
    wait_until("the failure is told", lambda: "does not answer" in forwarder.page("readyz")[1])
    stop_all([forwarder])
    wait_until("the broker has them again", lambda: site.ready(site.queue) == 3)


def test_declaring_again_changes_nothing_and_what_differs_is_refused(site: Site) -> None:
    assert site.declare().returncode == 0
    refused = site.declare("--kind=classic")
    assert refused.returncode == 1
    assert f"queue {site.queue}.dead exists with other properties" in refused.stderr
    nowhere = site.declare("--exchange=nowhere")
    assert nowhere.returncode == 1
    assert "exchange nowhere does not exist" in nowhere.stderr
