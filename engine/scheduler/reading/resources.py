"""Resources: from definitions to the tree of instances, flags and default scores (11 to 13, 15)."""

from __future__ import annotations

from typing import Final

from engine.base.values import bool_from_text, bounded_int, interval_milliseconds, is_true
from engine.cib.nvsets import apply_sets
from engine.scheduler.model.model import (
    INFINITY,
    MOST_INSTANCES,
    Blueprint,
    CloneSettings,
    Model,
    MultipleActive,
    ProbeMode,
    QuorumPolicy,
    Resource,
    Role,
    Variant,
    role_from_text,
)
from engine.scheduler.reading.context import Reading, rule_context
from engine.scheduler.reading.nodes import score_with_words
from engine.scheduler.reading.parameters import parameters

# Naming a member of an enumeration takes ten times as long as naming a constant.
_UNKNOWN: Final = Role.UNKNOWN

_VARIANTS: Final = {
    "primitive": Variant.PRIMITIVE,
    "group": Variant.GROUP,
    "clone": Variant.CLONE,
    "bundle": Variant.BUNDLE,
}
_UNIQUE_CLASSES: Final = frozenset(("ocf", "stonith"))
_PROMOTABLE_CLASSES: Final = frozenset(("ocf",))


def build_resource(
    reading: Reading,
    blueprint: Blueprint,
    parent: Resource | None = None,
    instance: int | None = None,
) -> Resource | None:
    """The resource and everything in it; None if it is not valid (11.7)."""
    model = reading.model
    name = blueprint.id if instance is None else f"{blueprint.id}:{instance}"
    resource = Resource(model.next_resource_index, name, _VARIANTS[blueprint.tag])
    model.next_resource_index += 1
    resource.base_id = blueprint.id
    resource.tag = blueprint.tag
    resource.parent = parent
    resource.instance = instance
    resource.attributes = dict(blueprint.attributes)
    if instance is not None:
        resource.attributes["clone"] = str(instance)
    resource.agent_class = blueprint.attributes.get("class", "")
    resource.agent_provider = blueprint.attributes.get("provider", "")
    resource.agent_type = blueprint.attributes.get("type", "")
    resource.meta_sets = blueprint.meta_sets
    resource.param_sets = blueprint.param_sets
    resource.ops = blueprint.ops
    if parent is not None:
        inner_clone = parent.variant is Variant.BUNDLE and blueprint.tag == "clone"
        resource.container_inner = inner_clone or parent.container_inner
    _unpack_meta(reading, resource)
    _unpack_flags(reading, resource)
    if not _unpack_variant(reading, resource, blueprint):
        return None
    model.register_name(resource.id, resource)
    if model.options.symmetric:
        apply_default_scores(resource, base_table(model))
        if model.witness is not None:
            _note_base_scores(model, resource)
    elif resource.is_remote_connection and resource.meta.get("container") is not None:
        resource.allowed = {node.index: node.base_score for node in model.nodes}
    if blueprint.utilization_sets:
        apply_sets(blueprint.utilization_sets, resource.utilization, rule_context(model))
    return resource


# -- scores ------------------------------------------------------------------------------------


def base_table(model: Model) -> dict[int, int]:
    """Default entries: every node known now that may be probed, with its base score (11.17)."""
    known = model.base_table_cache
    if known is None:
        known = {
            node.index: node.base_score
            for node in model.nodes
            if node.probe_mode is not ProbeMode.NEVER
        }
        model.base_table_cache = known
    return known


def _note_base_scores(model: Model, resource: Resource) -> None:
    for node in model.nodes:
        if model.witness is not None and node.base_score != 0:
            model.witness(resource, node, "base score of the node")


def apply_default_scores(resource: Resource, table: dict[int, int]) -> None:
    """Give the default entries to a resource and, where they lack them, to its descendants."""
    if resource.exclusive_probes:
        return
    for child in resource.children:
        apply_default_scores(child, table)
    if not resource.allowed:
        resource.allowed = dict(table)
    elif len(resource.allowed) < len(table) or table.keys() - resource.allowed.keys():
        for index, score in table.items():
            resource.allowed.setdefault(index, score)


# -- meta attributes and flags -----------------------------------------------------------------


def _unpack_meta(reading: Reading, resource: Resource) -> None:
    """The meta table by precedence (12.1)."""
    model = reading.model
    table = {
        name: value
        for name, value in resource.attributes.items()
        if not (value[:1] == "#" and value.lower() == "#default")
    }
    context = rule_context(model, resource)
    apply_sets(resource.meta_sets, table, context)
    ancestor = resource.parent
    while ancestor is not None:
        if ancestor.meta_sets:
            found: dict[str, str] = {}
            apply_sets(ancestor.meta_sets, found, context)
            for name, value in found.items():
                table.setdefault(name, value)
        ancestor = ancestor.parent
    if model.rsc_default_sets:
        apply_sets(model.rsc_default_sets, table, context)
    if resource.parent is not None:
        for name, value in resource.parent.meta.items():
            if name not in table and value.lower() != "#default":
                table[name] = value
    resource.meta = table


def meta_or_none(resource: Resource, name: str) -> str | None:
    """Meta attribute; the old value `default` counts as absent (12.2)."""
    value = resource.meta.get(name)
    return None if value is None or value.lower() == "default" else value


def _unpack_flags(reading: Reading, resource: Resource) -> None:
    model, meta = reading.model, resource.meta
    options = model.options
    resource.priority = score_with_words(model, meta.get("priority")) or 0
    critical = meta.get("critical")
    resource.critical = critical is None or is_true(critical)
    resource.notify = is_true(meta.get("notify"))
    if resource.agent_class:
        _unpack_agent_flags(model, resource)
    _unpack_clone_flags(resource)
    managed = meta_or_none(resource, "is-managed")
    if options.maintenance_mode:
        resource.managed = False
    if managed is not None:
        resource.managed = is_true(managed)
    if is_true(meta.get("maintenance")) or options.maintenance_mode:
        resource.managed = False
        resource.maintenance = True
    _unpack_requires(reading, resource)
    _unpack_stickiness(reading, resource)
    try:
        resource.multiple_active = MultipleActive(meta.get("multiple-active", "stop_start").lower())
    except ValueError:
        message = f"{resource.id}: multiple-active is '{meta.get('multiple-active')}'"
        reading.config_error("bad-meta", f"{message}, expected block or stop_start", resource.id)
    resource.failure_timeout = interval_milliseconds(meta.get("failure-timeout")) or 0
    resource.allow_unhealthy = is_true(meta.get("allow-unhealthy-nodes"))
    if resource.is_remote_connection and meta.get("container") is None:
        interval = parameters(model, resource).get("reconnect_interval")
        resource.reconnect_ms = interval_milliseconds(interval) or 0
        if resource.reconnect_ms:
            resource.failure_timeout = resource.reconnect_ms
    resource.next_role = wanted_role(reading, resource)


def _unpack_agent_flags(model: Model, resource: Resource) -> None:
    resource.is_fence_device = resource.agent_class == "stonith"
    if resource.is_fence_device:
        model.has_fence_device = True
    if (
        resource.agent_class.lower() == "ocf"
        and resource.agent_provider.lower() == "pacemaker"
        and resource.agent_type.lower() == "remote"
    ):
        resource.is_remote_connection = True
        resource.address_is_uname = parameters(model, resource).get("addr") == "#uname"
    allowed = resource.meta.get("allow-migrate")
    if allowed is not None:
        resource.allow_migrate = is_true(allowed)
    else:
        container = resource.meta.get("container")
        resource.allow_migrate = resource.is_remote_connection and container is None


def _unpack_clone_flags(resource: Resource) -> None:
    """Unique and promotable, decided by the clone at the top (11.15)."""
    top = resource.top
    if top.variant is not Variant.CLONE:
        return
    configured = resource.meta.get("globally-unique")
    if configured is not None:
        resource.unique = is_true(configured)
    else:
        resource.unique = bounded_int(resource.meta.get("clone-node-max"), 0) > 1
    resource.promotable = is_true(resource.meta.get("promotable"))


def _unpack_requires(reading: Reading, resource: Resource) -> None:
    """What a start needs (12.7)."""
    model = reading.model
    options = model.options
    text = resource.meta.get("requires")
    word = text.lower() if text is not None else ""
    known = {"nothing", "quorum", "fencing", "unfencing"}
    if word and word not in known:
        message = (
            f"{resource.id}: requires is '{text}', expected nothing, quorum, fencing or unfencing"
        )
        reading.config_error("bad-meta", message, resource.id)
    if word not in known:
        if resource.is_fence_device or resource.is_remote_connection:
            word = "quorum"
        elif model.unfencing_in_use:
            word = "unfencing"
        elif options.fencing_enabled:
            word = "fencing"
        elif options.no_quorum_policy is QuorumPolicy.IGNORE:
            word = "nothing"
        else:
            word = "quorum"
    if word == "unfencing" and (resource.is_fence_device or not options.fencing_enabled):
        message = f"{resource.id}: requires unfencing is not possible here; using quorum"
        reading.config_warning("bad-meta", message, resource.id)
        word = "quorum"
    elif word == "fencing" and not options.fencing_enabled:
        message = f"{resource.id}: requires fencing, but fencing is disabled"
        reading.config_warning("requires-fencing", message, resource.id)
    resource.needs_quorum = word == "quorum"
    resource.needs_fencing = word in {"fencing", "unfencing"}
    resource.needs_unfencing = word == "unfencing"


def _unpack_stickiness(reading: Reading, resource: Resource) -> None:
    stickiness = score_with_words(reading.model, meta_or_none(resource, "resource-stickiness"))
    resource.stickiness = stickiness if stickiness is not None else 0
    text = meta_or_none(resource, "migration-threshold")
    if text is None:
        return
    threshold = score_with_words(reading.model, text)
    if threshold is None or threshold < 0:
        message = f"{resource.id}: migration-threshold is '{text}', expected 0 or more"
        reading.config_warning("bad-meta", message, resource.id)
        threshold = INFINITY
    resource.migration_threshold = threshold


def wanted_role(reading: Reading, resource: Resource) -> Role:
    """The next role that `target-role` demands, UNKNOWN if none (12.5)."""
    text = resource.meta.get("target-role")
    if text is None or text.lower() in ("started", "default"):
        return _UNKNOWN
    role = role_from_text(text)
    if role is Role.STOPPED:
        return role
    if role in {Role.UNPROMOTED, Role.PROMOTED}:
        if is_promotable_top(resource):
            return role if role is Role.UNPROMOTED else _UNKNOWN
        message = f"{resource.id}: target-role {text} makes no sense for it"
        reading.config_error("bad-target-role", message, resource.id)
        return _UNKNOWN
    message = f"{resource.id}: target-role is '{text}', expected Started, Stopped or Promoted"
    reading.config_error("bad-target-role", message, resource.id)
    return _UNKNOWN


def is_promotable_top(resource: Resource) -> bool:
    """Whether the resource is, or is inside, a promotable clone."""
    return resource.top.promotable


# -- variants ----------------------------------------------------------------------------------


def _unpack_variant(reading: Reading, resource: Resource, blueprint: Blueprint) -> bool:
    if resource.variant is Variant.PRIMITIVE:
        return _unpack_primitive(reading, resource)
    if resource.variant is Variant.GROUP:
        return _unpack_group(reading, resource, blueprint)
    if resource.variant is Variant.CLONE:
        return _unpack_clone(reading, resource, blueprint)
    from engine.scheduler.reading.bundles import unpack_bundle  # few clusters have bundles

    return unpack_bundle(reading, resource, blueprint, build_resource)


def _unpack_primitive(reading: Reading, resource: Resource) -> bool:
    """Check what the agent's standard is able to (11.19)."""
    top = resource.top
    if top.variant is not Variant.CLONE:
        return True
    standard = resource.agent_class.lower()
    if resource.unique and standard not in _UNIQUE_CLASSES:
        message = f"{resource.id} cannot be a unique clone: {standard} agents cannot; anonymous now"
        reading.config_warning("not-unique", message, resource.id)
        _force_anonymous(reading.model, top)
        resource.unique = False
    if top.promotable and standard not in _PROMOTABLE_CLASSES:
        message = f"{resource.id} cannot be promotable: {standard} agents cannot be promoted"
        reading.config_error("not-promotable", message, resource.id)
        return False
    return True


def _force_anonymous(model: Model, clone: Resource) -> None:
    """The clone and the instances it has so far are anonymous (cts: force-anon-clone-max)."""
    settings = clone.clone
    _clear_unique(clone)
    clone.meta["globally-unique"] = "false"
    if settings is not None:
        settings.clone_node_max = 1
        settings.clone_max = min(settings.clone_max, len(model.nodes))


def _clear_unique(resource: Resource) -> None:
    resource.unique = False
    for child in resource.children:
        _clear_unique(child)


def _unpack_group(reading: Reading, resource: Resource, blueprint: Blueprint) -> bool:
    resource.ordered = bool_from_text(resource.meta.get("ordered")) is not False
    resource.collocated = bool_from_text(resource.meta.get("collocated")) is not False
    for member in blueprint.children:
        child = build_resource(reading, member, resource, resource.instance)
        if child is not None:
            resource.children.append(child)
    return bool(resource.children)


def _number(resource: Resource, name: str, default: int, old_name: str = "") -> int:
    text = resource.meta.get(name)
    if text is None and old_name:
        text = resource.meta.get(old_name)
    return default if text is None else bounded_int(text, 0)


def _unpack_clone(reading: Reading, resource: Resource, blueprint: Blueprint) -> bool:
    """Settings and instances of a clone (15.2 to 15.6)."""
    model, meta = reading.model, resource.meta
    settings = CloneSettings(
        clone_max=_number(resource, "clone-max", max(1, len(model.nodes))),
        clone_node_max=_number(resource, "clone-node-max", 1),
        clone_min=_number(resource, "clone-min", 0),
        ordered=is_true(meta.get("ordered")),
        interleave=is_true(meta.get("interleave")),
    )
    most = max(MOST_INSTANCES, len(model.nodes))
    if settings.clone_max > most:
        message = f"{resource.id}: clone-max {settings.clone_max} is more than {most}; using {most}"
        reading.config_error("clone-max", message, resource.id)
        settings.clone_max = most
    if resource.promotable:
        settings.promoted_max = _number(resource, "promoted-max", 1, "master-max")
        settings.promoted_node_max = _number(resource, "promoted-node-max", 1, "master-node-max")
    if settings.clone_node_max > 1 and not resource.unique:
        message = f"{resource.id} is not globally unique: clone-node-max is 1, not more"
        reading.config_error("clone-node-max", message, resource.id)
        settings.clone_node_max = 1
    resource.clone = settings
    meta.setdefault("resource-stickiness", "1")
    resource.clone_blueprint = blueprint.children[0]
    meta.setdefault("globally-unique", "true" if resource.unique else "false")
    if settings.clone_max == 0:
        return create_clone_instance(reading, resource) is not None
    while settings.next_instance < settings.clone_max:
        if create_clone_instance(reading, resource) is None:
            return False
    return True


def create_clone_instance(reading: Reading, clone: Resource) -> Resource | None:
    """One more instance; beyond `clone-max` it is a removed one (15.5, 15.6)."""
    settings, blueprint = clone.clone, clone.clone_blueprint
    if settings is None or blueprint is None:
        return None
    number = settings.next_instance
    surplus = number >= settings.clone_max
    settings.next_instance += 1
    child = build_resource(reading, blueprint, clone, number)
    if child is None:
        return None
    child.meta.setdefault("clone-max", str(settings.clone_max))
    clone.children.append(child)
    if surplus:
        mark_removed(child)
    return child


def mark_removed(resource: Resource) -> None:
    """Flag the resource and its descendants as removed."""
    resource.removed = True
    for child in resource.children:
        mark_removed(child)
