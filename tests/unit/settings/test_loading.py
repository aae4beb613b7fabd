from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.errors import EXIT_CONFIG, CommandRefused, ConfigError
from connector.failsafes.limits import Limits, missing_caps
from connector.failsafes.parameters import declared
from connector.inventory.planning import Planning
from connector.settings import load, secrets_of
from connector.settings.root import Settings

CAPS = "budget: {line: 1, node_day: 2, node_review: 2, node_28_days: 9, site_review: 5}"


def test_the_least_configuration_is_shadow_with_every_default(loaded, whole):
    configuration = loaded(whole)
    site = configuration.settings.site("berlin")
    assert site.mode == "shadow"
    assert site.limits == Limits()
    assert site.planning == Planning()
    assert site.posting.quarantine == timedelta(minutes=15)
    assert configuration.settings.web.listen == "127.0.0.1:9464"
    assert configuration.warnings == ()
    assert [str(each) for each in secrets_of(configuration.settings)] == ["${env:ERP_PASSWORD}"]


def test_settings_cannot_be_changed(loaded, whole):
    site = loaded(whole).settings.sites[0]
    with pytest.raises(ValueError, match="frozen"):
        site.mode = "live"


def test_an_unknown_site_is_refused_with_the_known_ones(loaded, whole):
    with pytest.raises(CommandRefused, match=r"no site bonn.*one of berlin"):
        loaded(whole).settings.site("bonn")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("loging: {level: info}", "loging: there is no such setting (did you mean logging?)"),
        ("logging: {levl: info}", "logging.levl: there is no such setting (did you mean level?)"),
        ("web: {zzz: 1}", "web.zzz: there is no such setting (known here: listen)"),
        ("logging: {level: loud}", "logging.level: 'loud' should be 'debug', 'info'"),
        ("web: {listen: 8095}", "web.listen: 8095 should be a valid string"),
        ("web: {listen: 'localhost'}", "web.listen: 'localhost' cannot be used: write host:port"),
        ("web: {listen: 'h:70000'}", "cannot be used: write host:port"),
        ("clock: {follow: 'http://10.0.0.1:1'}", "http:// is for this machine only"),
        ("clock: {follow: 'https://a.example'}", "followed on this machine only"),
    ],
)
def test_a_wrong_setting_is_named_with_line_and_next_step(problems, whole, line, expected):
    (problem,) = problems(f"{line}\n{whole}")
    assert problem.startswith("site.yaml:1: ")
    assert expected in problem


@pytest.mark.parametrize(
    ("below", "expected"),
    [
        ("mode: LIVE", "mode: 'LIVE' should be 'shadow', 'validate' or 'live'"),
        ("mode: true", "mode: true should be"),
        ("currency: euro", "currency: 'euro' cannot be used"),
        ("review_days: .5", "ok"),
        ("review_days: true", "review_days: true should be a valid number"),
        ("review_days: '1'", "review_days: '1' should be a valid number"),
        ("review_days: 0", "should be greater than or equal to"),
        ("schedule: {cron: '0 6 * * 1-5'}", "name the weekdays (mon-fri)"),
        ("schedule: {cron: '0 6 * *'}", "has 5 fields"),
        ("schedule: {cron: '61 6 * * *'}", "not a cron line"),
        ("schedule: {cron: '0 6 * * mon-fri'}", "ok"),
        ("schedule: {time_zone: Europe/Berlim}", "there is no such time zone"),
        ("schedule: {time_zone: ../../etc/passwd}", "there is no such time zone"),
        ("schedule: {misfire_grace: 2}", "write a number with its unit"),
        ("schedule: {misfire_grace: 2d}", "2d is outside 1s to 1d"),
        ("posting: {quarantine: 59s}", "posting.quarantine: 59 s is shorter than 60 s"),
        ("posting: {quarantine: 60s}", "ok"),
        ("posting: {lines_per_document: 101}", "should be less than or equal to 100"),
        ("posting: {lines_per_document: 1.0}", "should be a valid integer"),
        ("posting: {never_repost: 1}", "should be a valid boolean"),
        ("evidence: {largest: 1k}", "1k is outside 64m to 10000g"),
        ("limits: {fat_finger: {days: 0}}", "limits.fat_finger.days: 0 should be greater"),
        ("limits: {fat_finger: {days: true}}", "days: true should be a valid number"),
        ("limits: {fat_finger: {dayz: 3}}", "dayz: there is no such setting (did you mean days?)"),
        ("limits: {fat_fingr: {days: 3}}", "(did you mean fat_finger?)"),
        ("limits: {cumulative: {days: [7, 29]}}", "limits.cumulative.days[1]: 29 should be less"),
        ("planning: {critical_ratio: 1.0}", "planning.critical_ratio is 1.0; it lies between"),
        ("planning: {review_days: 2.0}", "planning.review_days: there is no such setting"),
        ("planning: {demand_window: 7}", "(did you mean demand_window_days?)"),
        ("pilot: {nodes: [1099]}", "pilot.nodes[0]: 1099 is no node of this site (one of 1000"),
        ("pilot: {nodes: [1010], items: [A-1]}", "ok"),
        ("policy: {bundle: shipped}", "ok"),
        ("policy: {bundle: /b}", "1 signatures are asked of 0 keys"),
        ("policy: {bundle: /b, trusted_keys: [/k.pem]}", "ok"),
        (
            "policy: {previous: /b, signatures: 2, trusted_keys: [/k]}",
            "2 signatures are asked of 1",
        ),
        ("mode: live", "limits.budget.line: is not set"),
        (f"mode: live\n    limits: {{{CAPS}}}", "ok"),
        ("mode: validate", "ok"),
    ],
)
def test_a_site_is_checked_field_by_field(problems, loaded, whole, below, expected):
    text = f"{whole}    {below}\n"
    if expected == "ok":
        assert loaded(text).settings.sites
        return
    found = problems(text)
    assert any(expected in each for each in found), found
    assert all(each.startswith("site.yaml:") for each in found)


def test_live_names_every_cap_that_is_missing(problems, whole):
    found = problems(f"{whole}    mode: live\n")
    assert len(found) == len(missing_caps(Limits())) == 5
    assert all("live must know how much EUR" in each for each in found)


def test_everything_wrong_is_said_at_once_in_the_order_of_the_file(problems, whole):
    text = whole.replace("buyer", "buyer, colour: red").replace("plant: 1000", "plant: 10000")
    found = problems(f"{text}    mode: lve\n")
    assert [each.split(":")[1] for each in found] == ["7", "10", "12"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("https://erp.example.com", "http://erp.example.com", "this machine only"),
        ("https://erp.example.com", "https://u:p@erp.example.com", "holds no user"),
        ("https://erp.example.com", "https://erp.example.com/?a=b", "query"),
        ("https://erp.example.com", "erp.example.com", "absolute address"),
        ("${env:ERP_PASSWORD}", "hunter2hunter2", "the secret itself is written here"),
        ("${env:ERP_PASSWORD}", "x${env:ERP_PASSWORD}", "a reference is the whole value"),
        ("kind: basic", "kind: basc", "auth.kind: 'basc' is not known (did you mean basic?)"),
        ("kind: basic, ", "", "auth.kind: is missing"),
        ("username: buyer, ", "", "auth.username: is missing"),
        ("username: buyer", "username: buyer, certificate_file: /c", "go together"),
        ("supplied_by: 1000", "supplied_by: 1009", "1010 is supplied by unknown node 1009"),
        ("plant: 1000", "plant: 1000, supplied_by: 1010", "supplies itself"),
        ("plant: 1010", "plant: 1000", "named twice"),
        ("name: berlin", "name: Berlin", "name: 'Berlin' cannot be used"),
        ("version: 1", "version: 2", "version: 2 should be 1"),
        ("version: 1\n", "", "version: is missing"),
        ("state_dir: state\n", "", "state_dir: is missing"),
    ],
)
def test_what_must_not_be(problems, whole, old, new, expected):
    brace = new.startswith("plant: 1000, ")
    text = whole.replace(f"- {old}", f"- {{{new}}}") if brace else whole.replace(old, new)
    found = problems(text)
    assert any(expected in each for each in found), found
    assert all("hunter2" not in each for each in found)


def test_a_loopback_erp_may_have_a_short_quarantine_and_a_written_password(loaded, whole):
    text = whole.replace("https://erp.example.com", "http://127.0.0.1:9000")
    text = text.replace("${env:ERP_PASSWORD}", "sandbox")
    site = loaded(f"{text}    posting: {{quarantine: 1s}}\n").settings.sites[0]
    assert site.posting.quarantine == timedelta(seconds=1)
    assert site.erp.auth.password.reveal() == "sandbox"
    assert "sandbox" not in repr(site)


def test_a_real_erp_is_never_reviewed_by_a_simulated_clock(problems, whole):
    (problem,) = problems(f"clock: {{follow: 'http://localhost:1'}}\n{whole}")
    assert "never reviewed by a simulated clock" in problem


def second(whole: str, name: str) -> str:
    return whole + whole.split("sites:\n")[1].replace("berlin", name)


def test_two_sites_of_one_name_are_refused(problems, whole):
    assert "berlin is also site number 1" in problems(second(whole, "berlin"))[0]


def test_two_sites_never_order_for_the_same_plant(problems, loaded, whole):
    text = second(whole, "bonn")
    found = problems(text)
    assert [each.split(": ", 1)[1] for each in found] == [
        f"sites[1].network.nodes[{n}].plant: {plant} of the same ERP and client belongs to site"
        " berlin (two sites would order for it twice; leave it to one)"
        for n, plant in enumerate((1000, 1010))
    ]
    head, tail = text.rsplit("url: https://erp.example.com", 1)
    other = f"{head}url: https://other.example.com{tail}"
    assert len(loaded(other).settings.sites) == 2


@pytest.mark.parametrize(
    ("below", "name"),
    [
        ('mode: "${env:MODE}"', "mode"),
        ('pilot: {nodes: ["${env:NODE}"]}', "pilot"),
        ('limits: {budget: {line: "${file:/l}"}}', "limits"),
    ],
)
def test_what_decides_orders_comes_from_the_file_alone(problems, whole, below, name):
    found = problems(f"{whole}    {below}\n", {"MODE": "live", "NODE": "1000", "ERP_PASSWORD": "x"})
    assert any(f"{name} is written in the configuration itself" in each for each in found)


def test_the_environment_reaches_nothing_without_a_reference(loaded, whole):
    hostile = {
        "ERP_PASSWORD": "x",
        "REPLENISHD_SITES__0__MODE": "live",
        "SITES": '[{"mode": "live"}]',
        "MODE": "live",
    }
    assert loaded(whole, hostile).digest == loaded(whole).digest


def test_a_reference_where_none_may_stand_is_refused(problems, whole):
    text = f"{whole}    currency: ${{env:CURRENCY}}\n"
    assert "no reference may stand here" in problems(text)[0]


def test_addresses_and_users_may_be_referred_to(loaded, whole, tmp_path):
    (tmp_path / "user").write_text("buyer-2\n")
    text = whole.replace("https://erp.example.com", "${env:URL}")
    text = text.replace("buyer", f'"${{file:{tmp_path}/user}}"')
    configuration = loaded(text, {"URL": "https://x.example/", "ERP_PASSWORD": "x"})
    erp = configuration.settings.sites[0].erp
    assert (erp.url, erp.auth.username) == ("https://x.example", "buyer-2")


def test_a_referred_address_is_checked_like_a_written_one(problems, whole):
    text = whole.replace("https://erp.example.com", "${env:URL}")
    assert "this machine only" in problems(text, {"URL": "http://x.example"})[0]


def test_a_path_may_be_a_credential_and_a_relative_one_lies_beside_the_file(
    loaded, whole, tmp_path
):
    text = whole.replace("      auth:", '      ca_file: "${credential:ca.pem}"\n      auth:')
    configuration = loaded(text, {"CREDENTIALS_DIRECTORY": "/run/c"})
    assert str(configuration.settings.sites[0].erp.ca_file) == "/run/c/ca.pem"
    assert configuration.settings.state_dir == tmp_path / "state"
    assert configuration.settings.sites[0].policy.bundle == "shipped"


def test_a_drop_in_takes_one_site_live_and_says_so(write, whole):
    path = write(whole)
    write("sites:\n  - name: berlin\n    mode: live\n", "site.yaml.d/50-live.yaml")
    write(f"sites:\n  - name: berlin\n    limits: {{{CAPS}}}\n", "site.yaml.d/10-caps.yaml")
    configuration = load(path, {})
    assert configuration.settings.sites[0].mode == "live"
    assert str(configuration.origins["sites", 0, "mode"]) == "50-live.yaml:3"
    assert [each.name for each in configuration.files] == [
        "site.yaml",
        "10-caps.yaml",
        "50-live.yaml",
    ]


def test_a_problem_in_a_drop_in_names_the_drop_in(write, whole):
    path = write(whole)
    write("sites:\n  - name: berlin\n    mood: live\n", "site.yaml.d/1.yaml")
    with pytest.raises(ConfigError, match=r"1\.yaml:3: sites\[0\]\.mood") as caught:
        load(path, {})
    assert caught.value.exit_code == EXIT_CONFIG


def test_what_is_unwise_is_told_and_not_refused(write, whole, tmp_path):
    password = tmp_path / "pw"
    password.write_text("x")
    password.chmod(0o644)
    text = whole.replace("${env:ERP_PASSWORD}", f"${{file:{password}}}")
    path = write(f"web: {{listen: '0.0.0.0:80'}}\n{text}")
    path.chmod(0o666)
    joined = "\n".join(load(path, {}).warnings)
    assert f"{password} may be read by others" in joined
    assert "whoever may, can go live" in joined
    assert "0.0.0.0:80 is open to the network" in joined


def test_a_live_secret_in_the_environment_is_told(loaded, whole):
    (warning,) = loaded(f"{whole}    mode: live\n    limits: {{{CAPS}}}\n").warnings
    assert "ERP_PASSWORD" in warning


def test_the_digest_tells_any_change_but_not_a_rotated_secret(loaded, whole):
    first = loaded(whole)
    assert first.digest == loaded(whole, {"ERP_PASSWORD": "rotated"}).digest
    assert first.digest != loaded(f"{whole}    review_days: 2\n").digest
    assert len(first.digest) == 64


def told(loaded, text):
    """Return what is wrong: a number within its bounds may still contradict another."""
    try:
        loaded(text)
    except ConfigError as error:
        return error.facts["problems"]
    return ()


def test_every_limit_is_held_to_the_bounds_its_room_declares(loaded, whole):
    for group in fields(Limits):
        kind = type(getattr(Limits(), group.name))
        assert is_dataclass(kind)
        for each in declared(kind):
            if isinstance(each.default, tuple):
                continue
            below = f"    limits: {{{group.name}: {{{each.name}: %s}}}}\n"
            high = int(each.high) if isinstance(each.default, int) else each.high
            assert not any("should be" in each for each in told(loaded, whole + below % high))
            (problem,) = told(loaded, whole + below % (high * 2 + 1))
            assert f"limits.{group.name}.{each.name}: " in problem
            assert "should be less than or equal to" in problem


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tree=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["erp", "auth", "kind", "mode", "limits", "network", "nodes", "x"]),
                inner,
                max_size=3,
            )
        ),
        max_leaves=12,
    )
)
def test_any_tree_under_a_site_is_loaded_or_refused_with_a_typed_error(loaded, tree):
    text = json.dumps({"version": 1, "state_dir": "s", "sites": [tree]}, ensure_ascii=True)
    with pytest.raises(ConfigError):
        loaded(text)


def test_the_schema_knows_every_setting_with_its_meaning():
    schema = Settings.model_json_schema()
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["version", "state_dir", "sites"]
    days = schema["$defs"]["FatFinger"]["properties"]["days"]
    assert (days["minimum"], days["default"]) == (1.0, 60.0)
    assert "most that one line may buy" in days["description"]
    assert "review_days" not in schema["$defs"]["Planning"]["properties"]
