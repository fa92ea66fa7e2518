# Bring a server's engine to what the documentation's examples refer to.
set -eu
docker ps -aq | xargs -r docker rm -f -v >/dev/null
docker volume ls -q | xargs -r docker volume rm >/dev/null
docker network ls -q --filter name=shop | xargs -r docker network rm >/dev/null
archive=/usr/local/share/lab/busybox.tar
docker image inspect lab/web >/dev/null 2>&1 || {
    docker import "$archive" lab/base >/dev/null
    # httpd as the first process ignores SIGTERM, and each stop would take the whole grace period.
    printf '%s\n' 'FROM lab/base' 'STOPSIGNAL SIGKILL' 'RUN mkdir -p /srv && echo "<h1>It works</h1>" >/srv/index.html' \
        'CMD ["sh", "-c", "httpd -p 8080 -h /srv && exec httpd -f -p 80 -h /srv"]' | docker build -q -t lab/web - >/dev/null
}
pgrep docker-registry >/dev/null || {
    cat >/etc/registry.json <<'END'
{"version": 0.1, "storage": {"filesystem": {"rootdirectory": "/var/lib/registry"}},
 "http": {"addr": "127.0.0.1:5000"}, "auth": {"htpasswd": {"realm": "lab", "path": "/etc/htpasswd"}}}
END
    setsid docker-registry serve /etc/registry.json >/dev/null 2>&1 </dev/null &
}
for image in demo/web:1 shop/exporter:1 shop/web:2 registry.example.com/team/app:2.1; do
    docker tag lab/web "$image"
done
for network in front back; do
    docker network inspect "$network" >/dev/null 2>&1 || docker network create "$network" >/dev/null
done
mkdir -p /srv/web/config /srv/page
echo page >/srv/page/index.html
id deploy >/dev/null 2>&1 || useradd deploy
docker run -d --name by-hand demo/web:1 sleep 1d >/dev/null
# A container to look into: its program says that it is ready.
docker run -d --name site demo/web:1 sh -c 'mkdir -p /etc; echo root:x:0:0::/:/bin/sh >/etc/passwd
    echo "listening on port 80"; exec httpd -f -p 80 -h /srv' >/dev/null
