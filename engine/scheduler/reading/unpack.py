"""From a CIB to a `Model`: options, nodes, resources, tags, then the status (0.1 to 0.6)."""

from __future__ import annotations

from dataclasses import replace

from lxml import etree

from engine.base.errors import BadInput
from engine.base.exitcodes import ExitStatus
from engine.base.isodate import Zone
from engine.base.reports import Report, Reporter, ReportList, Severity
from engine.base.score import INFINITY
from engine.base.values import (
    int_from_text,
    interval_milliseconds,
    is_true,
    score_or_none,
    version_key,
)
from engine.cib.cluster_options import texts_in_force
from engine.cib.document import FEATURE_SET, Cib
from engine.cib.nvsets import NvSet, read_sets
from engine.cib.options import option_text
from engine.cib.refs import References
from engine.scheduler.model.model import (
    Blueprint,
    Model,
    Options,
    QuorumPolicy,
    Resource,
    Role,
    Strategy,
)
from engine.scheduler.reading.blueprints import VARIANT_TAGS, read_blueprint
from engine.scheduler.reading.context import Reading, rule_context
from engine.scheduler.reading.nodes import unpack_nodes
from engine.scheduler.reading.remote_nodes import find_remote_nodes, link_launchers
from engine.scheduler.reading.requests import ActionRequests
from engine.scheduler.reading.resources import build_resource
from engine.scheduler.reading.status_only import StatusRequests
from engine.scheduler.reading.status_section import unpack_status
from engine.scheduler.reading.warm import Configuration, Definition, Warm, read_configuration

_HEALTH_FIXED = {
    "migrate-on-red": (-INFINITY, 0, 0),
    "only-green": (-INFINITY, -INFINITY, 0),
    "none": (0, 0, 0),
}


def unpack_cib(
    cib: Cib,
    now: float,
    *,
    requests: ActionRequests | None = None,
    reporter: Reporter | None = None,
    zone: Zone | None = None,
) -> Model:
    """The state of the cluster that the CIB describes.

    `now` is epoch seconds; `zone` the meaning of times without zone. Findings go to the reporter.
    Raises `BadInput` for a CIB of a newer feature set.
    """
    model = Model(now, zone if zone is not None else Zone())
    fill_model(cib, model, requests=requests, reporter=reporter)
    return model


def fill_model(
    cib: Cib,
    model: Model,
    *,
    requests: ActionRequests | None = None,
    reporter: Reporter | None = None,
    warm: Warm | None = None,
) -> Reading:
    """As `unpack_cib`, for a model that exists already (the store of actions refers to it)."""
    root = cib.root
    _check_feature_set(root)
    model.root_attributes = {str(name): str(value) for name, value in root.attrib.items()}
    model.quorate = is_true(root.get("have-quorum"))
    reporter = reporter if reporter is not None else ReportList()
    known = _modern_configuration(root, reporter, warm)
    configuration = known.upgrade.configuration if known is not None else None
    if warm is not None and known is not None:
        model.kept_rules = known.rules
    if warm is not None and known is not None and not known.has_conditions:
        model.kept_checks = known.checks
    reading = Reading(
        model,
        known.refs if known is not None else References(root),
        requests if requests is not None else StatusRequests(model),
        reporter,
        configuration,
    )
    model.rsc_default_sets = _defaults(reading, configuration, "rsc_defaults")
    model.op_default_sets = _defaults(reading, configuration, "op_defaults")
    _unpack_options(reading, configuration)
    resources = _only(configuration, "resources")
    model.unfencing_in_use = _unfencing_in_use(configuration, resources)
    unpack_nodes(reading, _only(configuration, "nodes"))
    _unpack_resources(reading, resources, known.definitions if known and warm else None)
    _check_topology(reading, _only(configuration, "fencing-topology"))
    _unpack_tags(model, _only(configuration, "tags"))
    unpack_status(reading, _only(root, "status"))
    _count_instances(model)
    return reading


def _modern_configuration(
    root: etree._Element, reporter: Reporter, warm: Warm | None
) -> Configuration | None:
    """The configuration in today's form; what had to be changed is reported."""
    element = _only(root, "configuration")
    if element is None:
        return None
    schema = root.get("validate-with", "")
    if warm is not None:
        known = warm.configuration(element, schema)
    else:
        known = read_configuration(element, schema)
    for change in known.upgrade.changes:
        reporter.report(Report("upgraded", Severity.INFO, change))
    return known


def _only(parent: etree._Element | None, tag: str) -> etree._Element | None:
    """The one child of that name; none if there are several (0.4)."""
    if parent is None:
        return None
    found = parent.findall(tag)
    return found[0] if len(found) == 1 else None


def _check_feature_set(root: etree._Element) -> None:
    found = root.get("crm_feature_set")
    if found is not None and version_key(found) > version_key(FEATURE_SET):
        raise BadInput(
            f"the CIB has feature set {found}, newer than ours ({FEATURE_SET})",
            status=ExitStatus.OLD,
        )


def _defaults(
    reading: Reading, configuration: etree._Element | None, tag: str
) -> tuple[NvSet, ...]:
    section = _only(configuration, tag)
    return read_sets((section,), "meta_attributes", reading.refs) if section is not None else ()


# -- options -----------------------------------------------------------------------------------


def _unpack_options(reading: Reading, configuration: etree._Element | None) -> None:
    """Validated cluster options with their defaults (section 6)."""
    model = reading.model
    values: dict[str, str] = {}
    if configuration is not None:
        values = texts_in_force(configuration, reading.refs, rule_context(model))
    model.options = read_options(values, reading.reporter)
    options = model.options
    if options.no_quorum_policy is QuorumPolicy.FENCE:
        if not options.fencing_enabled:
            message = "no-quorum-policy is fence, but fencing is disabled; using stop"
            reading.config_error("quorum-policy", message)
            options.no_quorum_policy = QuorumPolicy.STOP
        elif not model.quorate and not int_from_text(
            model.root_attributes.get("no-quorum-panic", "0")
        ):
            options.no_quorum_policy = QuorumPolicy.STOP
    model.has_fence_device = options.have_watchdog
    if not model.quorate and options.no_quorum_policy is not QuorumPolicy.IGNORE:
        message = "fencing and resource management are disabled for lack of quorum"
        reading.reporter.report(Report("no-quorum", Severity.WARNING, message))


def read_options(values: dict[str, str], reporter: Reporter | None = None) -> Options:
    """Typed options of the configured texts (6.2, 6.3)."""

    def text(name: str) -> str:
        return option_text(values, name, reporter)

    def flag(name: str) -> bool:
        return is_true(text(name))

    def milliseconds(name: str) -> int:
        return interval_milliseconds(text(name)) or 0

    policy = text("no-quorum-policy").lower()
    strategy = text("node-health-strategy").lower()
    options = Options(
        no_quorum_policy=QuorumPolicy("fence" if policy == "suicide" else policy),
        symmetric=flag("symmetric-cluster"),
        maintenance_mode=flag("maintenance-mode"),
        start_failure_is_fatal=flag("start-failure-is-fatal"),
        startup_probes=flag("enable-startup-probes"),
        fencing_enabled=flag("fencing-enabled"),
        fencing_action=text("fencing-action").lower(),
        fencing_timeout=milliseconds("fencing-timeout"),
        have_watchdog=flag("have-watchdog"),
        concurrent_fencing=flag("concurrent-fencing"),
        startup_fencing=flag("startup-fencing"),
        priority_fencing_delay=milliseconds("priority-fencing-delay"),
        fence_remote_without_quorum=flag("fence-remote-without-quorum"),
        node_pending_timeout=milliseconds("node-pending-timeout"),
        cluster_delay=milliseconds("cluster-delay"),
        batch_limit=int_from_text(text("batch-limit")) or 0,
        migration_limit=int_from_text(text("migration-limit")) or 0,
        stop_all_resources=flag("stop-all-resources"),
        stop_removed_resources=flag("stop-removed-resources"),
        cancel_removed_actions=flag("cancel-removed-actions"),
        shutdown_lock=flag("shutdown-lock"),
        health_strategy=strategy,
        placement_strategy=Strategy(text("placement-strategy").lower()),
        cluster_name=values.get("cluster-name", ""),
        values=values,
    )
    if not options.fencing_enabled:
        options.startup_fencing = False
    if options.shutdown_lock:
        options.shutdown_lock_limit = milliseconds("shutdown-lock-limit")
    _health_scores(options, strategy)
    return options


def _health_scores(options: Options, strategy: str) -> None:
    """Scores of the words red, yellow and green (10.2)."""
    fixed = _HEALTH_FIXED.get(strategy)
    if fixed is not None:
        options.health_red, options.health_yellow, options.health_green = fixed
        return
    names = ("node-health-red", "node-health-yellow", "node-health-green", "node-health-base")
    scores = [score_or_none(option_text(options.values, name)) or 0 for name in names]
    options.health_red, options.health_yellow, options.health_green, options.health_base = scores


def _unfencing_in_use(
    configuration: etree._Element | None, resources: etree._Element | None
) -> bool:
    """Textually, any meta attribute `provides` or `requires` of value `unfencing` (6.7)."""
    blocks = list(resources.iter("meta_attributes")) if resources is not None else []
    if configuration is not None:
        blocks.extend(configuration.iterfind("rsc_defaults/meta_attributes"))
    return any(
        pair.get("name") in {"provides", "requires"} and pair.get("value") == "unfencing"
        for block in blocks
        for pair in block.iterfind("nvpair")
    )


# -- resources and the rest --------------------------------------------------------------------


def _unpack_resources(
    reading: Reading,
    section: etree._Element | None,
    known: dict[etree._Element, Definition] | None,
) -> None:
    model = reading.model
    if section is None:
        return
    for element in section:
        if element.tag == "template" and element.get("id"):
            reading.templates[element.attrib["id"]] = element
            model.template_users.setdefault(element.attrib["id"], [])
    connections = find_remote_nodes(reading, section)
    for element in section:
        if not isinstance(element.tag, str) or element.tag == "template":
            continue
        if element.tag not in VARIANT_TAGS:
            message = f"resource type {element.tag} is unknown and ignored"
            reading.config_error("unknown-variant", message, element.get("id", ""))
            continue
        blueprint = _definition(reading, element, known)
        if blueprint is not None:
            _add_top_level(model, build_resource(reading, blueprint))
    for blueprint in connections:
        _add_top_level(model, build_resource(reading, blueprint))
    link_launchers(reading)
    model.resources.sort(key=_descending_priority)
    if model.options.fencing_enabled and not model.has_fence_device:
        message = (
            "Resource start-up disabled since no fencing resources have been defined; "
            "either configure some or disable fencing with the fencing-enabled option"
        )
        reading.config_error("no-fencing-resources", message)


def _definition(
    reading: Reading, element: etree._Element, known: dict[etree._Element, Definition] | None
) -> Blueprint | None:
    """The definition in a resource element, read only once where earlier ones are known.

    With templates it is always read: reading also notes who uses which of them.
    """
    if known is None or reading.templates:
        return read_blueprint(reading, element)
    definition = known.get(element)
    if definition is None:
        findings = ReportList()
        blueprint = read_blueprint(replace(reading, reporter=findings), element)
        definition = Definition(blueprint, tuple(findings.items))
        known[element] = definition
    for report in definition.findings:
        reading.reporter.report(report)
    return definition.blueprint


def _add_top_level(model: Model, resource: Resource | None) -> None:
    if resource is not None:
        model.resources.append(resource)


def _descending_priority(resource: Resource) -> int:
    return -resource.priority


def _check_topology(reading: Reading, section: etree._Element | None) -> None:
    """Fencing levels are only checked, never used here (27.7)."""
    for level in section.iterfind("fencing-level") if section is not None else ():
        index = int_from_text(level.get("index"))
        level_id = level.get("id")
        if not level_id or index is None or not 1 <= index <= 9:
            message = (
                f"fencing-level {level_id or '(no id)'}: expected an id and an index of 1 to 9"
            )
            reading.config_error("fencing-level", message, level_id or "")


def _unpack_tags(model: Model, section: etree._Element | None) -> None:
    for tag in section.iterfind("tag") if section is not None else ():
        tag_id = tag.get("id")
        if tag_id:
            members = [ref.get("id") for ref in tag.iterfind("obj_ref")]
            model.tags.setdefault(tag_id, []).extend(name for name in members if name)


def _count_instances(model: Model) -> None:
    """How many instances there are, disabled and blocked ones among them (0.6)."""
    for top in model.resources:
        _count(model, top)


def _count(model: Model, resource: Resource) -> None:
    if resource.children:
        for child in resource.children:
            _count(model, child)
        return
    if not resource.is_primitive or (resource.removed and resource.role is Role.STOPPED):
        return
    model.resource_count += 1
    role = (resource.meta.get("target-role") or "").lower()
    if role == "stopped" or (role in {"unpromoted", "slave"} and resource.top.promotable):
        model.disabled_count += 1
    if resource.blocked:
        model.blocked_count += 1
