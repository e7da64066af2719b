"""The table of all `pcs` commands; usage, help, completion and hints follow from it."""

from __future__ import annotations

from typing import Final

from crmshell.pcs.frame.command import Command, rows

_RESOURCE = """
resource | other.status:resources | | the state of all resources | --hide-inactive | 0 0
resource status | other.status:resources | [<resource>...] | the state of resources | --hide-inactive
resource show | other.status:show_old | [<resource>...] | | --full --groups --hide-inactive | 0 | pcs resource status, or pcs resource config
resource config | show.resources:config | [<resource>...] | the configuration of resources | --output-format
resource create | resource.create:create | <resource> <agent> [<name>=<value>...] [op <operation> <name>=<value>...] [meta <name>=<value>...] [clone|promotable [<id>] <name>=<value>...] [bundle <bundle>] | make a resource | --group --before --after --disabled --no-default-ops --clone --master --agent-validation | 2
resource update | resource.metas:update | <resource> [<name>=<value>...] [op ...] [meta ...] | change a resource; an empty value removes | --agent-validation | 1
resource delete | resource.removal:delete | <resource>... | delete resources and what refers to them | --no-stop | 1
resource remove | resource.removal:delete | <resource>... | the same as delete | --no-stop | 1
resource enable | resource.metas:enable | <resource|tag>... | let resources run | | 1
resource disable | resource.metas:disable | <resource|tag>... | stop resources | --brief --no-strict | 1
resource manage | resource.metas:manage | <resource|tag>... | the cluster looks after them again | --monitor | 1
resource unmanage | resource.metas:unmanage | <resource|tag>... | the cluster leaves them alone | --monitor | 1
resource meta | resource.metas:meta | <resource> <name>=<value>... | set meta attributes; an empty value removes | | 2
resource utilization | resource.metas:utilization | [<resource> [<name>=<value>...]] | what resources use of their node |
resource group add | resource.groups:add | <group> <resource>... | put resources into a group | --before --after | 2
resource group remove | resource.groups:remove | <group> [<resource>...] | take resources out of a group | | 1
resource group delete | resource.groups:remove | <group> [<resource>...] | the same as remove | | 1
resource group list | resource.groups:list_groups | | all groups with their members | | 0 0
resource ungroup | resource.groups:remove | <group> [<resource>...] | take resources out of a group | | 1
resource clone | resource.clones:clone | <resource> [<id>] [meta] [<name>=<value>...] | run it on many nodes | | 1
resource promotable | resource.clones:promotable | <resource> [<id>] [meta] [<name>=<value>...] | a clone with promoted instances | | 1
resource master | resource.clones:master | [<id>] <resource> [<name>=<value>...] | | | 1 | pcs resource promotable RESOURCE [ID]
resource unclone | resource.clones:unclone | <clone|resource> | run it once again | | 1 1
resource bundle create | resource.bundles:create | <bundle> container <type> image=<image> [<name>=<value>...] [network ...] [port-map ...]... [storage-map ...]... [meta ...] | make a bundle of containers | --disabled | 1
resource bundle update | resource.bundles:update | <bundle> [container ...] [network ...] [port-map add|remove ...] [storage-map add|remove ...] [meta ...] | change a bundle | | 1
resource bundle reset | resource.bundles:reset | <bundle> container image=<image> ... | make a bundle anew, its resource stays | --disabled | 1
resource op add | resource.operations:add_command | <resource> <operation> [<name>=<value>...] | add an operation | | 2
resource op remove | resource.operations:remove_command | <id> or <resource> <operation> [<name>=<value>...] | remove an operation | | 1
resource op delete | resource.operations:remove_command | <id> or <resource> <operation> [<name>=<value>...] | remove an operation | | 1
resource ban | resource.moving:ban | <resource> [<node>] [lifetime=<time>] | keep it off a node | --promoted --master | 1
resource move | other.cluster:move | <resource> [<node>] | move it, and let it free again | --promoted --master --strict | 1 3
resource move-with-constraint | resource.moving:move_with_constraint | <resource> [<node>] [lifetime=<time>] | move it and hold it there | --promoted --master | 1
resource clear | resource.moving:clear | <resource> [<node>] | take back ban and move | --promoted --master --expired | 1 2
resource cleanup | other.cluster:cleanup | [<resource>] [<node>] | forget failures | --strict | 0 2
resource refresh | other.cluster:refresh | [<resource>] [<node>] | forget the history, look anew | --strict --full | 0 2
resource restart | other.cluster:restart | <resource> [<node>] | stop it and start it | | 1 2
resource failcount | other.cluster:failcount | | how often resources have failed | | 0 0
resource failcount show | other.cluster:failcount | [<resource>] | how often resources have failed | --full | 0 1
resource relations | resource.listing:relations | <resource> | what it is in and ordered with | --full | 1 1
resource list | resource.listing:list_agents | [<filter>] | the agents of this machine | --nodesc | 0 1
resource agents | resource.listing:agents | [<standard>[:<provider>]] | types of agents | | 0 1
resource standards | resource.listing:standards | | kinds of agents | | 0 0
resource providers | resource.listing:providers | | providers of ocf agents | | 0 0
resource describe | resource.listing:describe | <agent> | parameters and operations of an agent | --full | 1 1
resource debug-start | other.cluster:debug | <resource> | run the agent's start here | --full | 1 1
resource debug-stop | other.cluster:debug | <resource> | run the agent's stop here | --full | 1 1
resource debug-monitor | other.cluster:debug | <resource> | run the agent's monitor here | --full | 1 1
resource debug-promote | other.cluster:debug | <resource> | run the agent's promote here | --full | 1 1
resource debug-demote | other.cluster:debug | <resource> | run the agent's demote here | --full | 1 1
"""

_DEFAULTS = """
{0} defaults | other.defaults:show | [<name>=<value>...] | the defaults | --full --no-expire-check --all
{0} defaults config | other.defaults:show | | the defaults | --full --no-expire-check --all | 0 0
{0} defaults update | other.defaults:update | <name>=<value>... | set defaults; an empty value removes | | 1
{0} defaults set create | other.defaults:create_set | [id=<id>] [score=<score>] [meta <name>=<value>...] [rule <rule>] | make a set of defaults
{0} defaults set update | other.defaults:update_set | <id> meta <name>=<value>... | change a set | | 1
{0} defaults set delete | other.defaults:delete_set | <id>... | delete sets | | 1
{0} defaults set remove | other.defaults:delete_set | <id>... | the same as delete | | 1
"""

_STONITH = """
stonith | other.status:fencing | | the state of all fencing devices | --hide-inactive | 0 0
stonith status | other.status:fencing | [<device>...] | the state of fencing devices | --hide-inactive
stonith show | other.status:show_old | [<device>...] | | --full | 0 | pcs stonith status, or pcs stonith config
stonith config | show.resources:fencing_config | [<device>...] | the configuration of fencing devices | --output-format
stonith create | resource.create:create_fencing | <device> <agent> [<name>=<value>...] [op ...] [meta ...] | make a fencing device | --disabled --no-default-ops --agent-validation | 2
stonith update | resource.metas:update | <device> [<name>=<value>...] | change a fencing device | --agent-validation | 1
stonith delete | resource.removal:delete | <device>... | delete fencing devices | | 1
stonith remove | resource.removal:delete | <device>... | the same as delete | | 1
stonith enable | resource.metas:enable | <device>... | let devices run | | 1
stonith disable | resource.metas:disable | <device>... | stop devices | | 1
stonith meta | resource.metas:meta | <device> <name>=<value>... | set meta attributes | | 2
stonith op add | resource.operations:add_command | <device> <operation> [<name>=<value>...] | add an operation | | 2
stonith op delete | resource.operations:remove_command | <id> or <device> <operation> [<name>=<value>...] | remove an operation | | 1
stonith op remove | resource.operations:remove_command | <id> or <device> <operation> [<name>=<value>...] | the same as delete | | 1
stonith level | other.levels:show | | the fencing levels | | 0 0
stonith level config | other.levels:show | | the fencing levels | | 0 0
stonith level add | other.levels:add | <level> <target> <device>... | which devices fence a node, in which order | | 3
stonith level remove | other.levels:remove | <level> [target <target>] [stonith <device>...] | remove levels | | 1
stonith level delete | other.levels:remove | <level> [target <target>] [stonith <device>...] | the same as remove | | 1
stonith level clear | other.levels:clear | [target <target>|stonith <device>...] | remove all levels |
stonith level verify | other.levels:verify | | devices and nodes of the levels exist | | 0 0
stonith list | resource.listing:list_fence_agents | [<filter>] | the fence agents of this machine | --nodesc | 0 1
stonith describe | resource.listing:describe | <agent> | parameters of a fence agent | --full | 1 1
stonith fence | other.cluster:fence | <node> | fence a node now | --off | 1 1
stonith confirm | other.cluster:confirm | <node> | vouch that a node is down | | 1 1
stonith cleanup | other.cluster:cleanup | [<device>] | forget failures | --strict | 0 2
stonith refresh | other.cluster:refresh | [<device>] | forget the history, look anew | --strict --full | 0 2
"""

_CONSTRAINT = """
constraint | show.constraints:show_all | | all constraints | --full --all | 0 0
constraint config | show.constraints:show_all | | all constraints | --full --all | 0 0
constraint list | show.constraints:show_all | | | --full --all | 0 0 | pcs constraint config
constraint show | show.constraints:show_all | | | --full --all | 0 0 | pcs constraint config
constraint delete | constraint.common:delete | <id>... | delete constraints | | 1
constraint remove | constraint.common:delete | <id>... | the same as delete | | 1
constraint ref | constraint.common:ref | <resource>... | constraints that name a resource | | 1
constraint location | constraint.location:location | <resource> prefers|avoids <node>[=<score>]... or <resource> rule [<name>=<value>...] <rule> | where a resource runs | --full --all | 3
constraint location config | show.constraints:show_locations | [resources|nodes [<name>...]] | the locations | --full --all
constraint location show | show.constraints:show_locations | [resources|nodes [<name>...]] | | --full --all | 0 | pcs constraint location config
constraint location add | constraint.location:add | <id> <resource> <node> <score> [resource-discovery=<word>] | a location with this id | | 4
constraint location remove | constraint.location:remove | <id>... | delete locations | | 1
constraint location delete | constraint.location:remove | <id>... | the same as remove | | 1
constraint order | constraint.order:add | [<action>] <resource> then [<action>] <resource> [<name>=<value>...] | which action comes first | --full --all | 3
constraint order config | show.constraints:show_orders | | the orders | --full --all | 0 0
constraint order show | show.constraints:show_orders | | | --full --all | 0 0 | pcs constraint order config
constraint order set | constraint.order:add_set | <resource>... [<name>=<value>...] [set ...] [setoptions <name>=<value>...] | order of sets | | 1
constraint order remove | constraint.order:remove | <resource>... | delete orders that name a resource | | 1
constraint order delete | constraint.order:remove | <resource>... | the same as remove | | 1
constraint colocation | show.constraints:show_colocations | | the colocations | --full --all | 0 0
constraint colocation config | show.constraints:show_colocations | | the colocations | --full --all | 0 0
constraint colocation show | show.constraints:show_colocations | | | --full --all | 0 0 | pcs constraint colocation config
constraint colocation add | constraint.colocation:add | [<role>] <resource> with [<role>] <resource> [<score>] [<name>=<value>...] | what runs together | | 3
constraint colocation set | constraint.colocation:add_set | <resource>... [<name>=<value>...] [set ...] [setoptions <name>=<value>...] | colocation of sets | | 1
constraint colocation remove | constraint.colocation:remove | <resource> <resource> | delete colocations of two resources | | 2 2
constraint colocation delete | constraint.colocation:remove | <resource> <resource> | the same as remove | | 2 2
constraint ticket | show.constraints:show_tickets | | constraints of tickets | --full --all | 0 0
constraint ticket config | show.constraints:show_tickets | | constraints of tickets | --full --all | 0 0
constraint ticket show | show.constraints:show_tickets | | | --full --all | 0 0 | pcs constraint ticket config
constraint ticket add | constraint.ticket:add | <ticket> [<role>] <resource> [loss-policy=<word>] [id=<id>] | a resource needs a ticket | | 2
constraint ticket set | constraint.ticket:add_set | <resource>... [set ...] setoptions ticket=<ticket> [<name>=<value>...] | sets need a ticket | | 1
constraint ticket remove | constraint.ticket:remove | <ticket> <resource> | delete constraints of a ticket | | 2 2
constraint ticket delete | constraint.ticket:remove | <ticket> <resource> | the same as remove | | 2 2
constraint rule add | constraint.location:add_rule | <constraint> [id=<id>] [role=<role>] [score=<score>] <rule> | add a rule to a location | | 2
constraint rule remove | constraint.location:delete_rule | <rule>... | delete rules | | 1
constraint rule delete | constraint.location:delete_rule | <rule>... | the same as remove | | 1
"""

_REST = """
property | other.property:show | | the cluster properties | --all --defaults | 0 0
property config | other.property:show | [<name>...] | the cluster properties | --all --defaults
property list | other.property:show | [<name>...] | | --all --defaults | 0 | pcs property config
property show | other.property:show | [<name>...] | | --all --defaults | 0 | pcs property config
property set | other.property:set_ | <name>=<value>... | set properties; an empty value removes | | 1
property unset | other.property:unset | <name>... | remove properties | | 1
property defaults | other.property:defaults | [<name>...] | defaults of properties | --full
property describe | other.property:describe | [<name>...] | what properties mean | --full
node standby | other.node:standby | [<node>...] | nothing runs on these nodes | --all
node unstandby | other.node:unstandby | [<node>...] | resources may run there again | --all
node maintenance | other.node:maintenance | [<node>...] | the cluster leaves them alone | --all
node unmaintenance | other.node:unmaintenance | [<node>...] | the cluster looks after them again | --all
node attribute | other.node:attribute | [<node> [<name>=<value>...]] | attributes of nodes | --name
node utilization | other.node:utilization | [<node> [<name>=<value>...]] | what nodes can take | --name
cluster standby | other.node:standby | [<node>...] | | --all | 0 | pcs node standby
cluster unstandby | other.node:unstandby | [<node>...] | | --all | 0 | pcs node unstandby
tag | other.tags:show | | all tags | | 0 0
tag config | other.tags:show | [<tag>...] | tags with their resources |
tag list | other.tags:show | [<tag>...] | | | 0 | pcs tag config
tag create | other.tags:create | <tag> <resource>... | one name for several resources | | 2
tag delete | other.tags:delete | <tag>... | delete tags | | 1
tag remove | other.tags:delete | <tag>... | the same as delete | | 1
tag update | other.tags:update | <tag> [add <resource>...] [remove <resource>...] | change a tag | --before --after | 1
acl | other.acl:show | | users, groups and roles | | 0 0
acl config | other.acl:show | | users, groups and roles | | 0 0
acl show | other.acl:show | | | | 0 0 | pcs acl config
acl enable | other.acl:enable | | rights are checked | | 0 0
acl disable | other.acl:disable | | rights are not checked | | 0 0
acl role create | other.acl:role_create | <role> [description=<text>] [read|write|deny xpath|id <what>]... | make a role | | 1
acl role delete | other.acl:role_delete | <role>... | delete roles | --autodelete | 1
acl role remove | other.acl:role_delete | <role>... | the same as delete | --autodelete | 1
acl role assign | other.acl:assign | <role> [to] [user|group] <name> | give a role | | 2 4
acl role unassign | other.acl:unassign | <role> [from] [user|group] <name> | take a role away | --autodelete | 2 4
acl user create | other.acl:user_create | <user> [<role>...] | make a user | | 1
acl user delete | other.acl:user_delete | <user>... | delete users | | 1
acl user remove | other.acl:user_delete | <user>... | the same as delete | | 1
acl group create | other.acl:group_create | <group> [<role>...] | make a group | | 1
acl group delete | other.acl:group_delete | <group>... | delete groups | | 1
acl group remove | other.acl:group_delete | <group>... | the same as delete | | 1
acl permission add | other.acl:permission_add | <role> read|write|deny xpath|id <what>... | give rights to a role | | 4
acl permission delete | other.acl:permission_delete | <id>... | take rights away | | 1
acl permission remove | other.acl:permission_delete | <id>... | the same as delete | | 1
alert | other.alerts:show | | all alerts | | 0 0
alert config | other.alerts:show | | all alerts | | 0 0
alert show | other.alerts:show | | | | 0 0 | pcs alert config
alert create | other.alerts:create | path=<path> [id=<id>] [description=<text>] [options ...] [meta ...] | a program that is told what happens | | 1
alert update | other.alerts:update | <alert> [path=<path>] [options ...] [meta ...] | change an alert | | 1
alert delete | other.alerts:delete | <alert>... | delete alerts | | 1
alert remove | other.alerts:delete | <alert>... | the same as delete | | 1
alert recipient add | other.alerts:recipient_add | <alert> value=<where> [id=<id>] [options ...] [meta ...] | where an alert goes | | 2
alert recipient update | other.alerts:recipient_update | <recipient> [value=<where>] [options ...] [meta ...] | change a recipient | | 2
alert recipient delete | other.alerts:recipient_delete | <recipient>... | delete recipients | | 1
alert recipient remove | other.alerts:recipient_delete | <recipient>... | the same as delete | | 1
status | other.status:status | | the state of the cluster | --full --hide-inactive --corosync_conf | 0 0
status status | other.status:status | | the state of the cluster | --full --hide-inactive --corosync_conf | 0 0
status cluster | other.status:cluster | | nodes and counts | | 0 0
status nodes | other.status:nodes | | nodes by state | | 0 0
status resources | other.status:resources | [<resource>...] | the state of resources | --hide-inactive
config | other.cib:config | | the whole configuration | --corosync_conf | 0 0
config show | other.cib:config | | | --corosync_conf | 0 0 | pcs config
cluster status | other.status:cluster | | nodes and counts | | 0 0
cluster cib | other.cib:save | [<file>] [scope=<section>] | the configuration as XML | --config | 0 2
cluster cib-push | other.cib:push | <file> [scope=<section>] [diff-against=<file>] | hand over a configuration | --config | 1 3
cluster verify | other.cib:verify | [<file>] | look for mistakes | --full | 0 1
cluster setup | other.cluster:setup | <name> <node> [addr=<address>]... [<node> ...]... [transport ...] [totem ...] [quorum ...] | make a cluster | --name --start --enable --corosync_conf --no-cluster-uuid
cluster auth | other.cluster:auth | <node>... | | --local | 1 | pcs host auth
host auth | other.cluster:auth | <node>... | every node answers over ssh | | 1
cluster start | other.cluster:start | [<node>...] | start nodes | --all
cluster stop | other.cluster:stop | [<node>...] | stop nodes | --all
cluster enable | other.cluster:enable | [<node>...] | start them with the machine | --all
cluster disable | other.cluster:disable | [<node>...] | do not start them with the machine | --all
cluster destroy | other.cluster:destroy | | says how a cluster is taken apart | --all
cluster node add | other.cluster:node_add | <node> [addr=<address>]... | let a node join | --start --enable | 1
cluster node remove | other.cluster:node_remove | <node>... | take nodes out for good | | 1
cluster node delete | other.cluster:node_remove | <node>... | the same as remove | | 1
quorum | other.corosync:quorum_config | | options of the quorum | --corosync_conf | 0 0
quorum config | other.corosync:quorum_config | | options of the quorum | --corosync_conf | 0 0
quorum status | other.cluster:quorum_status | | whether there is quorum | | 0 0
"""

_SHOWN_WITHOUT_WORDS: Final = {
    "constraint location": "show.constraints:show_locations",
    "constraint order": "show.constraints:show_orders",
}


def _all() -> dict[str, Command]:
    texts = [_RESOURCE, _STONITH, _CONSTRAINT, _REST]
    texts += [
        _DEFAULTS.format(name) for name in ("resource", "resource op", "stonith", "stonith op")
    ]
    return {command.path: command for text in texts for command in rows("", text)}


COMMANDS: Final = _all()


def without_words(command: Command) -> Command:
    """The command that the same words mean when nothing follows."""
    run = _SHOWN_WITHOUT_WORDS.get(command.path)
    if run is None:
        return command
    return Command(command.path, run, command.usage, command.help, command.options)
