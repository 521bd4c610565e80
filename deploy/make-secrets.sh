#!/bin/sh
# Make the secrets that docker-compose.yaml mounts, one file each. Those that exist are kept.
# usage: deploy/make-secrets.sh [FOLDER]
set -eu
folder=${1:-$(dirname "$0")/secrets}

random() { # BYTES: as URL-safe text, which a Fernet key must be, with no line end
    head -c "$1" /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n'
}

keep() { # NAME: write what comes in to the file, unless it is there
    if [ -s "$folder/$1" ]; then
        cat > /dev/null
    else
        cat > "$folder/$1"
        echo "made $folder/$1"
    fi
}

# Only the owner gets into the folder. Inside a container a file stands alone and keeps its mode, and the
# users there are others than its owner.
mkdir -p "$folder"
chmod 700 "$folder"
umask 022
random 24 | keep postgres_password
random 24 | keep rabbitmq_password
printf 'default_user = firelake\ndefault_pass = %s\n' "$(cat "$folder/rabbitmq_password")" | keep rabbitmq.conf
random 32 | keep fernet_key
random 32 | keep jwt_secret
random 32 | keep session_key
random 15 | keep admin_password
