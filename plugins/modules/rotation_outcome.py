# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_outcome
short_description: Decide from what the hosts said, and say what a rotation ended with
version_added: 0.1.0
description:
  - Five questions, in the order of a run. Each answer is an option of the later ones.
  - It reads nothing but the registry, notes and the time of Vault, and changes nothing but the report, the ledger with its
    head in Vault, the locks that it extends, and the notes of which hosts are missing. Hosts, tokens and Slack are changed by the tasks between the
    questions.
  - It fails without O(plan), with the reason in O(stop). How a run ended is in the result of O(state=reported), and is
    no failure of this task; end the run with RV(failure) where RV(success) is false.
author:
  - botops.rotation contributors (@botops)
extends_documentation_fragment:
  - botops.rotation.attributes
  - botops.rotation.vault
  - botops.rotation.slack
  - botops.rotation.registry
  - botops.rotation.ledger
  - botops.rotation.announcements
requirements:
  - tabulate >= 0.9, in the Python that runs ansible-playbook
attributes:
  check_mode:
    support: partial
    details:
      - It says what the real run would end with, and writes no report. That one would be written does not count as a
        change.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details:
      - O(state=reported) writes the report of its run again. The others change nothing.
options:
  state:
    description:
      - V(prepared), after the preflight of the hosts. Is there work, may it start, and in which batches?
      - V(continued), before each batch of the rollout but the first, and before a soak. Does the run go on? If it does, it
        waits for O(pause) seconds, says now and then how long that still takes, and extends the locks of O(lease).
      - V(judged), after the rollout. Which services have their tokens, which installations go back, and which are
        proven? An installation goes back when one of its services failed and Slack accepts every old token of that
        service; with it go those that share a service with it.
      - V(concluded), after Vault has followed. What did each installation end with, and what are people told? With
        O(lease), the hosts that are not on the new token yet are noted in Vault, for M(botops.rotation.vault_token_info)
        and the next run.
      - V(reported), at the end. Adds a line for each installation to the ledger, writes the report, and gives the table that
        the run ends with. Neither is written where there was nothing to do and all is well. A ledger that cannot be written
        stops nothing; RV(success) is false then.
    type: str
    choices: [prepared, continued, judged, concluded, reported]
    required: true
  plan:
    description: RV(botops.rotation.rotation_plan#module:plan).
    type: dict
  preflight:
    description:
      - Host to the result of M(botops.rotation.service_env) with C(state=preflight) there. A host without one was
        limited away.
    type: dict
    default: {}
  rollout:
    description: Host to the result of C(state=applied) there. A host without one was not tried.
    type: dict
    default: {}
  verified:
    description: Host to the result of C(state=verified) there, after a soak.
    type: dict
    default: {}
  restore:
    description: Host to the result of C(state=restored) there.
    type: dict
    default: {}
  prepared:
    description: RV(prepared).
    type: dict
    default: {}
  judged:
    description: RV(judged).
    type: dict
    default: {}
  concluded:
    description: RV(concluded).
    type: dict
    default: {}
  promoted:
    description:
      - The result of M(botops.rotation.rotation) with C(state=promoted), a failed one too. Empty when not tried.
    type: dict
    default: {}
  retired:
    description:
      - The result of M(botops.rotation.rotation) with C(state=retired), a failed one too. Empty when not tried.
    type: dict
    default: {}
  memberships:
    description: RV(botops.rotation.slack_membership#module:results). Empty when nothing was revoked.
    type: dict
    default: {}
  restored:
    description: The result of M(botops.rotation.rotation) with C(state=restored), likewise.
    type: dict
    default: {}
  announcements:
    description: RV(botops.rotation.slack_message#module:announcements) of the whole run.
    type: list
    elements: dict
    default: []
  stop:
    description:
      - Why the run was stopped, with C(phase) (V(rollout...) for one after the promotion), C(reason), C(next_step) and
        C(written) (whether something was written before). Empty when it was not.
    type: dict
    default: {}
  skip_unreachable:
    description: Go on without hosts that cannot be reached. They get their tokens from a later run.
    type: bool
    default: false
  pause:
    description: Seconds to wait. Only for O(state=continued).
    type: float
    default: 0.0
  lease:
    description:
      - What M(botops.rotation.rotation_lock) has returned. For O(state=continued) and O(state=concluded).
    type: dict
  report_dir:
    description:
      - Where the report is written, as C(RUN_ID.json) and C(RUN_ID.md). A relative one is in the directory that
        ansible-playbook was started in. It is made where it is missing.
    type: str
    default: reports
notes:
  - The report is one JSON object. Its C(schema), C(run_id), C(bots) and C(warnings) are those of the plan; C(check)
    tells a dry run; C(started) and C(finished) are in UTC by Vault's clock; C(installations) is RV(concluded.rows),
    C(services) is RV(judged.services) and C(announcements) is O(announcements); C(ledger) tells which lines of O(ledger)
    are the run's.
  - Its C(summary) has C(outcomes) (outcome to number of installations), C(services), C(hosts) (numbers),
    C(longest_unavailability) (C(seconds), C(service), C(host), C(down_before); null when nothing was restarted),
    C(announced) (number of channels), C(announcements_failed) (number of messages) and C(success).
seealso:
  - module: botops.rotation.rotation_plan
  - module: botops.rotation.rotation
  - module: botops.rotation.service_env
  - module: botops.rotation.slack_message
"""

EXAMPLES = r"""
- name: See whether there is work, and whether it may start
  botops.rotation.rotation_outcome:
    state: prepared
    plan: "{{ planned.plan }}"
    preflight: "{{ preflight }}"
  register: prepared

- name: Judge what the hosts said
  botops.rotation.rotation_outcome:
    state: judged
    plan: "{{ planned.plan }}"
    prepared: "{{ prepared.prepared }}"
    preflight: "{{ preflight }}"
    rollout: "{{ rollout }}"
  register: judged

- name: Conclude
  botops.rotation.rotation_outcome:
    state: concluded
    plan: "{{ planned.plan }}"
    prepared: "{{ prepared.prepared }}"
    judged: "{{ judged.judged }}"
    retired: "{{ retired }}"
  register: concluded

- name: Report
  botops.rotation.rotation_outcome:
    state: reported
    plan: "{{ planned.plan }}"
    prepared: "{{ prepared.prepared }}"
    judged: "{{ judged.judged }}"
    concluded: "{{ concluded.concluded }}"
    announcements: "{{ started.announcements + ended.announcements }}"
  register: reported

- name: End with what the run came to
  ansible.builtin.fail:
    msg: "{{ reported.failure }}"
  when: not reported.success
"""

RETURN = r"""
prepared:
  description: Whether the run may start.
  returned: success, for O(state=prepared)
  type: dict
  contains:
    work:
      description: Whether there is anything to do.
      type: bool
      sample: true
    stop:
      description: Why it must not start, with C(phase), C(reason) and C(next_step). Null when it may.
      type: dict
      sample: null
    hosts:
      description: The hosts where services have to be changed, in the order of the plan.
      type: list
      elements: str
      sample: [bot-host-1, bot-host-2]
    serial:
      description: How many of these hosts are in each batch.
      type: list
      elements: int
      sample: [1, 1]
    later:
      description: The first host of each batch but the first.
      type: list
      elements: str
      sample: [bot-host-2]
    soak_on:
      description: V([localhost]) where there is a soak after the rollout. Else empty.
      type: list
      elements: str
      sample: []
    skip_unreachable:
      description: O(skip_unreachable).
      type: bool
      sample: false
    absent:
      description: Host that takes no part to the reason, V(unreachable) or V(limited away).
      type: dict
      sample: {}
    stops:
      description:
        - Host to whether a failure there ends the rollout. V(false) where no service may go back to old tokens, and
          waiting would only leave the others without new ones.
      type: dict
      sample: {bot-host-1: false, bot-host-2: true}
    locks:
      description: Ids of the installations to lock, sorted.
      type: list
      elements: str
      sample: [gobot/ibmcloud]
stop:
  description:
    - Why the run must not go on, with C(phase), C(reason) and C(next_step). A service failed that may go back, or the locks
      could not be kept. Empty when it goes on.
  returned: success, for O(state=continued)
  type: dict
  sample: {}
judged:
  description: What the rollout came to.
  returned: success, for O(state=judged)
  type: dict
  contains:
    services:
      description: One entry for each service of the plan.
      type: list
      elements: dict
      contains:
        host:
          description: Its host.
          type: str
          sample: bot-host-1
        name:
          description: Its name.
          type: str
          sample: gobot-consumer
        unit:
          description: Its unit or program.
          type: str
          sample: gobot-consumer.service
        installations:
          description: Ids of the installations whose tokens it uses.
          type: list
          elements: str
          sample: [gobot/ibmcloud]
        status:
          description:
            - V(ok) (its processes have the new tokens, and it is healthy where that can be asked), V(failed),
              V(unproven) (nobody can say which tokens its processes have) or V(absent) (the host was not reached, or
              not tried).
          type: str
          sample: ok
        absent:
          description:
            - Why its status is V(absent), that is V(unreachable), V(limited away) or V(not touched) (the rollout ended
              before it came there). Else empty.
          type: str
          sample: ""
        may_go_back:
          description: Whether Slack accepts every old token of it.
          type: bool
          sample: false
        variables:
          description:
            - Variable to C(key), C(new) (what it must have), C(before) and C(after) (in the file, or null), and
              C(process_before) and C(process_after) (lists, in its processes). All but C(key) are fingerprints.
          type: dict
          sample:
            SLACK_BOT_TOKEN:
              key: gobot/ibmcloud/bot
              new: 9f8e7d6c5b4a
              before: 1a2b3c4d5e6f
              after: 9f8e7d6c5b4a
              process_before: [1a2b3c4d5e6f]
              process_after: [9f8e7d6c5b4a]
        needs:
          description:
            - What the preflight found to do, V(nothing), V(restart), V(write) or V(render). Null when nobody looked.
          type: str
          sample: write
        changed:
          description: Whether its file was written or it was restarted.
          type: bool
          sample: true
        restarted:
          description: Whether it was restarted.
          type: bool
          sample: true
        restored:
          description: Whether its host brought it back to the old tokens at once.
          type: bool
          sample: false
        health_before:
          description:
            - Health before the run, C(ok) (null when nothing tells) and C(evidence). Null when it was not asked.
          type: dict
          sample: {ok: false, evidence: "HTTP 503 in 0.01 s, 200 is due"}
        health_after:
          description: Health at the end, likewise.
          type: dict
          sample: {ok: true, evidence: HTTP 200 in 0.01 s}
        health_note:
          description: Why its health does not count. Empty when it does.
          type: str
          sample: ""
        in_use:
          description: Whether its processes have the new tokens, V(yes), V(no) or V(unknown).
          type: str
          sample: "yes"
        in_use_evidence:
          description: What says so.
          type: str
          sample: "SLACK_BOT_TOKEN: 1 of 1 processes carry 9f8e7d6c5b4a"
        seconds_unavailable:
          description: Seconds from its stop until it was healthy again. Null when it was not restarted, or is still down.
          type: float
          sample: 0.312
        still_down:
          description: Whether it was restarted and did not become healthy.
          type: bool
          sample: false
        down_before:
          description: Whether it was down or unhealthy before the run touched it.
          type: bool
          sample: true
        error:
          description: Why it failed. Empty when it did not.
          type: str
          sample: ""
        warnings:
          description: What is odd, but no failure.
          type: list
          elements: str
          sample: []
    back:
      description: Ids of the installations that go back.
      type: list
      elements: str
      sample: []
    restore:
      description: Host to the services that go back there, for M(botops.rotation.service_env) with C(state=restored).
      type: dict
      sample: {}
    proven:
      description: Ids of the installations whose services all have their tokens, to be retired.
      type: list
      elements: str
      sample: [gobot/ibmcloud]
concluded:
  description: What each installation ended with.
  returned: success, for O(state=concluded)
  type: dict
  contains:
    rows:
      description:
        - The rows of RV(botops.rotation.rotation_plan#module:plan.installations), where their keys are described, with
          C(outcome), C(reason), C(next_step) and C(proofs) as they came out.
        - Beside the outcomes of a plan there are V(converged) (hosts were brought to the current token),
          V(rolled_back), V(partial) (hosts that were absent, or services that nobody can say it of) and V(failed).
      type: list
      elements: dict
      sample: []
    messages:
      description: What is announced at the end, for M(botops.rotation.slack_message).
      type: list
      elements: dict
      sample: []
success:
  description: Whether each installation ended as V(rotated), V(already) or V(converged), and all else is well.
  returned: success, for O(state=reported)
  type: bool
  sample: true
failure:
  description: Why it is not, in a line. Empty when it is.
  returned: success, for O(state=reported)
  type: str
  sample: ""
outcomes:
  description: Id of each installation to its outcome.
  returned: success, for O(state=reported)
  type: dict
  sample: {gobot/ibmcloud: rotated}
ansible_stats:
  description:
    - What Ansible hands on, as from M(ansible.builtin.set_stats), the statistic C(botops) with C(schema) (V(botops.stats/1)),
      C(kind), C(run_id), C(check), C(success), C(outcomes), C(path) and C(report); null instead of a report of more than
      512 KiB.
  returned: success, for O(state=reported)
  type: dict
  sample: {}
table:
  description: What the run ends with, for people. P(botops.rotation.summary#callback) prints it.
  returned: success, for O(state=reported)
  type: str
  sample: "gobot: rotated 4 of 4 installations, 7 services on 3 hosts    run 20261123T020000Z-gobot-7f3a"
path:
  description:
    - The report's Markdown file, beside which its JSON is. Empty when none was written.
  returned: success, for O(state=reported)
  type: str
  sample: reports/20261123T020000Z-gobot-7f3a.md
"""
