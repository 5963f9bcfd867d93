# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: service_env
short_description: Carry Slack tokens to the services of a host
version_added: 0.1.0
description:
  - Writes tokens into the environment files of services, restarts each service once, waits until it is healthy and
    proves that its running processes have the token.
  - One task handles all services of a host. Every file is read and judged before any is written, and all problems are
    reported at once.
  - A file that an agent of Vault renders (C(rendered_by)) is never written, but waited for.
  - Modes, owners, access control lists, comments, order and foreign variables of an environment file are kept byte for
    byte. A file is replaced atomically, a symbolic link is kept and its target edited. Every assignment of a variable
    is rewritten, also a duplicate that does not count, so that no old token stays in the file.
  - When a service does not come up, all services of the same bots on this host go back to their old tokens at once,
    provided that Slack accepted these in this run. A service with a token that may not be restored goes forward.
  - The program and the tokens reach the host on standard input alone. The host needs Python 3.9 or later with its
    standard library and nothing else. The connection must be able to pass standard input to a command, as
    P(ansible.builtin.ssh#connection)
    and P(ansible.builtin.local#connection) are, and so must the become method, as P(ansible.builtin.sudo#become) is.
  - An exclusive lock on each environment file is held from the first read to the last check. Another run on the same
    file is waited for at most 60 seconds.
author:
  - botops.rotation contributors (@botops)
options:
  state:
    description:
      - V(preflight) reads files, service managers, health and processes, and fails where V(applied) could not succeed.
        It changes nothing. In check mode it is V(applied), which then says, with a diff, what it would have changed.
      - V(applied) makes every service have its tokens.
      - V(verified) fails unless every service has its tokens in its file and processes and is healthy. It changes
        nothing.
      - V(restored) is V(applied) with the old tokens as those that the services must have, so C(new) in
        O(services) names them. There is no way back from it.
      - V(audited) tells what files and processes have, whatever that is, and never fails. O(services) are then as the
        inventory variable C(botops_services) has them. It locks nothing, asks nothing about health and changes nothing.
    type: str
    choices: [preflight, applied, verified, restored, audited]
    default: applied
  services:
    description:
      - The services of this host as references, without a token, as M(botops.rotation.rotation_plan) returns them.
      - They are restarted as O(services[].order) says.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the service, unique on the host.
        type: str
        required: true
      manager:
        description: Who starts and stops it.
        type: str
        choices: [systemd, supervisor, command, podman]
        required: true
      unit:
        description:
          - The unit for V(systemd) (default O(services[].name) with C(.service)), the program for V(supervisor)
            (default O(services[].name); C(group:program) where it has a group), the container for V(podman) (default
            O(services[].name)).
        type: str
      scope:
        description: For V(systemd), whose manager runs the unit.
        type: str
        choices: [system, user]
        default: system
      server_url:
        description: For V(supervisor), its XML-RPC interface, C(unix:///path) or C(http://host:port).
        type: str
        default: unix:///var/run/supervisor.sock
      restart:
        description: For V(command), what restarts the service, as a list of arguments. Its output is dropped.
        type: list
        elements: str
      active:
        description: For V(command), a command that ends with 0 while the service runs.
        type: list
        elements: str
      pid_file:
        description: For V(command), a file with the process id of the service.
        type: str
      user:
        description:
          - Whose container it is, for V(podman), or whose unit, for V(systemd). Without it, that of the user who the host
            program runs as.
        type: str
      reload:
        description: For V(systemd), whether the service re-reads its file when it is reloaded.
        type: bool
        default: false
      recreate:
        description:
          - For V(podman), what creates the container anew, as a list of arguments. Without it podman's own record of the
            command that created it is used; where that could not be repeated, the service is refused.
        type: list
        elements: str
      env_file:
        description: Absolute path of the environment file. It must exist.
        type: str
        required: true
      rendered_by:
        description:
          - An agent of Vault renders the file, so it is read and never written.
          - C(render) is the command, a list of arguments, that makes the agent render; without it the agent is waited for.
            C(timeout) is how many seconds the file may take (default 60, without C(render) 330). C(restarts) says that the
            agent restarts the service itself; when it has not within 10 seconds, this module does.
        type: dict
      env_format:
        description:
          - What reads the file. V(systemd) is C(EnvironmentFile=), V(shell) a file that a shell reads, V(podman) that
            of C(podman run --env-file).
        type: str
        choices: [systemd, shell, podman]
        default: systemd
      order:
        description:
          - When it is restarted, the lowest first; those with the same one at the same time, those with a higher one when
            these are well.
          - V(0) stands for none. Such services are restarted one after the other where they may go back, so that the first
            failure spares the rest, and at the same time where they may not.
        type: int
        default: 0
      variables:
        description:
          - Variable name to C(key) (C(bot/workspace/token)), C(new) (fingerprint that it must have), C(old)
            (fingerprint that it may go back to, or null) and C(restorable) (whether Slack accepted C(old) in this run).
          - A fingerprint is the first 12 hexadecimal digits of the SHA-256 of the token.
        type: dict
        required: true
      health:
        description:
          - C(url) (http or https; C(socket) for HTTP over that unix socket) and C(status) (default 200), without proxies and
            redirects; C(socket) alone, which has to take connections; C(command), a list of arguments, which has to end
            with 0; or C(active_for), seconds without a new start.
          - C(timeout) is how many seconds after a restart it may take (default 30).
          - Without it a service is healthy once it has been active for 5 seconds.
        type: dict
      health_required:
        description:
          - With V(false) the health is looked at and reported, but it is neither waited for nor a reason to fail, since
            the service also uses a token that is dead and not replaced in this run.
        type: bool
        default: true
      health_note:
        description: Why the health is not required.
        type: str
      in_use:
        description:
          - The service's own proof, asked only where the environment of its processes tells nothing. Either C(url) and
            C(field) (a field of the JSON answer, dots go deeper, default C(fingerprint), that holds a fingerprint, a
            list of them, or a mapping from variable to fingerprint; C(socket) as for O(services[].health)), or
            C(started_after=true), which takes for a proof
            that its processes started after the file was written.
        type: dict
      force:
        description: Go on although the service was unhealthy before on tokens that Slack accepts.
        type: bool
        default: false
  installations:
    description:
      - With O(state=audited), the installations (C(gobot/ibmcloud)) whose tokens are looked at; services with none of them
        are left out.
    type: list
    elements: str
    default: []
  tokens:
    description:
      - Tokens by key, C(bot/workspace/token), for O(state=applied) and O(state=restored). They are never returned.
    type: dict
    default: {}
  preflight:
    description:
      - What O(state=preflight) returned on this host. With it, O(state=applied) and O(state=restored) refuse to replace a
        token that was not there then and is not of this run. A run that was held up until the next rotation was over
        would bring back dead tokens otherwise.
    type: dict
attributes:
  check_mode:
    description: Can run in check mode and predict what would change, after every read and validation.
    support: full
  diff_mode:
    description: Shows which variables change, with fingerprints in place of tokens.
    support: full
  idempotent:
    description:
      - When run twice in a row outside check mode with the same arguments, the second time changes nothing. A service
        that does not run, or whose processes carry another token, is restarted each time.
    support: full
notes:
  - Whether a token is in use is V(yes) when at least one process of the service carries it and none carries another
    token of that variable, V(no) when one does, and V(unknown) when the processes show none, such as after
    C(setproctitle) or when the program reads the file itself. What is V(unknown) is not a failure.
seealso:
  - module: botops.rotation.rotation_plan
  - module: botops.rotation.rotation_outcome
"""

EXAMPLES = r"""
- name: See whether the services of each host could take their tokens
  botops.rotation.service_env:
    state: preflight
    services: "{{ hostvars.localhost.botops_plan.hosts[inventory_hostname] }}"

- name: Bring the new tokens to the services
  botops.rotation.service_env:
    services: "{{ hostvars.localhost.botops_plan.hosts[inventory_hostname] }}"
    tokens: "{{ hostvars.localhost.botops_secrets.tokens }}"
  become: true

- name: Check one service by hand
  botops.rotation.service_env:
    state: verified
    services:
      - name: gobot-consumer
        manager: systemd
        unit: gobot-consumer.service
        env_file: /etc/gobot/consumer.env
        variables:
          SLACK_BOT_TOKEN: {key: gobot/ibmcloud/bot, new: 9f8e7d6c5b4a, old: null, restorable: false}
        health: {url: "http://127.0.0.1:8080/healthz", timeout: 30}
"""

RETURN = r"""
msg:
  description: All problems, one a line, each with what was attempted, what came back and what to do. Empty if none.
  returned: always
  type: str
files:
  description: By environment file, whether it is C(missing), and all C(tokens) in it.
  returned: when O(state=audited)
  type: dict
  contains:
    missing:
      description: Whether the file does not exist.
      type: bool
    tokens:
      description:
        - Every Slack token that stands in it, with C(variable) (empty outside of an assignment, as in a comment), C(line),
          C(fingerprint) and C(kind).
      type: list
      elements: dict
  sample:
    /etc/gobot/consumer.env:
      missing: false
      tokens: [{variable: SLACK_BOT_TOKEN, line: 4, fingerprint: 9f8e7d6c5b4a, kind: bot token}]
services:
  description:
    - What was found and done, in the order of O(services). With O(state=audited) each has C(name), C(env_file), C(active),
      C(same) (whether its processes have what the file has, V(yes), V(no) or V(unknown)), C(evidence), C(error), and in
      C(variables) C(key), C(file) (a fingerprint or null), C(problem) and C(process) (a list of fingerprints).
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the service.
      type: str
    env_file:
      description: Its environment file.
      type: str
    unit:
      description: Its unit or program.
      type: str
    variables:
      description:
        - Variable name to C(key), C(file_before) and C(file_after) (fingerprint of the value in the file, or null), and
          C(process_before) and C(process_after) (fingerprints that its processes carry).
      type: dict
    needs:
      description:
        - What V(applied) has to do, V(nothing), V(restart), or V(write), which implies a restart. V(render) is V(write)
          by an agent.
      type: str
    changed:
      description: Whether the file was written or the service restarted, or would be in check mode.
      type: bool
    restarted:
      description: Whether the service was restarted.
      type: bool
    reloaded:
      description: Whether it was reloaded instead, since it re-reads its file.
      type: bool
    restored:
      description: Whether it was brought back to the old tokens.
      type: bool
    active_before:
      description: Whether the service ran before. Null when nothing tells.
      type: bool
    health_before:
      description: Health before, C(ok) (null when there is no check) and C(evidence).
      type: dict
    health_after:
      description: Health after, likewise. Null when it was not asked.
      type: dict
    in_use:
      description: Whether its processes have the tokens, V(yes), V(no) or V(unknown).
      type: str
    in_use_evidence:
      description: What says so.
      type: str
    seconds_unavailable:
      description: Seconds from just before the stop until it was healthy again. Null when it was not restarted.
      type: float
    down_before:
      description: Whether it was unhealthy or did not run before this run touched it.
      type: bool
    error:
      description: Why this service failed, or null.
      type: str
    warnings:
      description: What is odd, but no failure.
      type: list
      elements: str
  sample:
    - name: gobot-consumer
      env_file: /etc/gobot/consumer.env
      unit: gobot-consumer.service
      variables:
        SLACK_BOT_TOKEN:
          key: gobot/ibmcloud/bot
          file_before: 1a2b3c4d5e6f
          file_after: 9f8e7d6c5b4a
          process_before: [1a2b3c4d5e6f]
          process_after: [9f8e7d6c5b4a]
      needs: write
      changed: true
      restarted: true
      restored: false
      active_before: true
      health_before: {ok: false, evidence: "http://127.0.0.1:8080/healthz: HTTP 503 in 0.01 s, 200 is due"}
      health_after: {ok: true, evidence: "http://127.0.0.1:8080/healthz: HTTP 200 in 0.01 s"}
      in_use: "yes"
      in_use_evidence: "SLACK_BOT_TOKEN: 1 of 1 processes carry 9f8e7d6c5b4a"
      seconds_unavailable: 0.312
      down_before: true
      error: null
      warnings: []
"""
