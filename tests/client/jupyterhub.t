#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The README's lines for JupyterHub: a real hub, run by root, becomes its users
# and starts their servers, which have the cache.

# shellcheck source=tests/client/lib.sh
. "$(dirname "$0")/lib.sh" jupyterhub

PYTHON=$CLIENT_VENVS/jupyterhub/bin/python
TOKEN=0123456789abcdef0123456789abcdef

# What takes the place of a notebook: it says what it was given, and answers.
install -m 755 /dev/stdin /usr/local/bin/notebook <<END
#!/bin/bash
{ $LOOK; } > /tmp/started.new
touch "\${HF_HOME-/nowhere}/hub/by-notebook" 2> /dev/null
mv /tmp/started.new "/tmp/started.\$USER"
port=\${JUPYTERHUB_SERVICE_URL#*://*:}
exec python3 -m http.server --bind 127.0.0.1 "\${port%%/*}" > /dev/null 2>&1
END

# The README's lines, and then what lets a test talk to the hub, and the hub do
# without a proxy in front of it.
mkdir -p "$WORK/hub" /etc/jupyterhub
{
    recipe '^# /etc/jupyterhub/jupyterhub_config.py'
    cat <<END

from jupyterhub.proxy import Proxy

class NoProxy(Proxy):
    should_start = False
    routes = {}

    async def add_route(self, routespec, target, data):
        self.routes[routespec] = dict(
            routespec=routespec, target=target, data=data)

    async def delete_route(self, routespec):
        self.routes.pop(routespec, None)

    async def get_all_routes(self):
        return self.routes

c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.hub_ip = "127.0.0.1"
c.JupyterHub.db_url = "sqlite:///$WORK/hub/db"
c.JupyterHub.cookie_secret_file = "$WORK/hub/cookie"
c.JupyterHub.services = [{"name": "test", "api_token": "$TOKEN"}]
c.JupyterHub.load_roles = [{"name": "test", "services": ["test"],
                            "scopes": ["admin:users", "admin:servers"]}]
c.Authenticator.allow_all = True
c.Spawner.cmd = ["/usr/local/bin/notebook"]
END
} > /etc/jupyterhub/jupyterhub_config.py

# api METHOD PATH: the status of the hub's answer.
api() {
    python3 - "$@" "$TOKEN" <<'END'
import sys, urllib.error, urllib.request
method, path, token = sys.argv[1:]
request = urllib.request.Request(
    "http://127.0.0.1:8081/hub/api/" + path, method=method,
    headers={"Authorization": "token " + token})
try:
    print(urllib.request.urlopen(request, timeout=60).status)
except urllib.error.HTTPError as error:
    print(error.code)
except OSError:
    print("none")
END
}

hub_answers() {
    [ "$(api GET users)" = 200 ]
}

# starts USER WHY: the hub starts USER's server; what that says goes to OUT.
starts() {
    rm -f "/tmp/started.$1"
    api POST "users/$1" > "$WORK/added"
    is "$(api POST "users/$1/server")" 201 "$2: the server starts"
    wait_for 20 test -e "/tmp/started.$1"
    OUT=$(cat "/tmp/started.$1")
    api DELETE "users/$1/server" > "$WORK/stopped"
}

install_project
quietly hfcache setup
users alice bob
usermod -aG hf-users alice
(cd "$WORK/hub" && exec "$PYTHON" -m jupyterhub \
    -f /etc/jupyterhub/jupyterhub_config.py > "$WORK/hub/log" 2>&1) &
hub=$!
ok "a hub" wait_for 60 hub_answers || {
    tail -n 20 "$WORK/hub/log" | diag_stream
    done_testing
}

starts alice "a member"
is "$(head -n 1 <<< "$OUT")" "groups: alice hf-users" "a member: the group"
is "$(tail -n +2 <<< "$OUT")" \
    "$(hfcache env alice --format env-file | LC_ALL=C sort)" \
    "a member: each variable"
is "$(stat -c '%U:%G' $CACHE/hub/by-notebook)" "alice:hf-users" \
    "a member: the cache can be written"

printf '[cache]\nservices = jupyterhub\nmembership = require\n' > "$POLICY"
starts bob "whom a login would leave out"
is "$OUT" "groups: bob" "whom a login would leave out: no variable"
starts alice "a policy for the service jupyterhub"
like "$OUT" "HF_HOME=$CACHE" "a policy for the service jupyterhub: all of it"
echo 'colour = blue' > "$POLICY"
starts alice "a refused policy"
is "$OUT" "groups: alice hf-users" "a refused policy: no variable"
rm "$POLICY"
mv /usr/local/bin/hfcache "$WORK"
starts alice "no hfcache any more"
is "$OUT" "groups: alice hf-users" "no hfcache any more: no variable"
kill "$hub"
done_testing
