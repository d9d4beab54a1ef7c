/* Addresses of remotes: which kind they name, how they are written, how they are shown. */
#include "store/remote/remote.h"

#include <string.h>

static const struct {
    const char *prefix;
    enum remote_kind kind;
    const char *name;
} schemes[] = {
    {"file://", REMOTE_FILE, "a folder"},
    {"http://", REMOTE_HTTP, "a Dolt remote over HTTP"},
    {"https://", REMOTE_HTTP, "a Dolt remote over HTTP"},
    {"dolthub://", REMOTE_HTTP, "a Dolt remote over HTTP"},
    {"git+", REMOTE_GIT, "a git repository"},
    {"ssh://", REMOTE_SSH, "a Dolt remote over ssh"},
    {"aws://", REMOTE_OBJECTS, "an object store"},
    {"s3://", REMOTE_OBJECTS, "an object store"},
    {"gs://", REMOTE_OBJECTS, "an object store"},
    {"az://", REMOTE_OBJECTS, "an object store"},
    {"oss://", REMOTE_OBJECTS, "an object store"},
    {"oci://", REMOTE_OBJECTS, "an object store"},
    {"localbs://", REMOTE_OBJECTS, "an object store"},
};
enum { SCHEMES = sizeof schemes / sizeof *schemes };

static size_t scheme_of(const char *url) {
    for (size_t i = 0; i < SCHEMES; i++)
        if (strncmp(url, schemes[i].prefix, strlen(schemes[i].prefix)) == 0)
            return i;
    return SCHEMES;
}

enum remote_kind remote_kind_of(const char *url) {
    size_t i = scheme_of(url);
    if (i < SCHEMES)
        return schemes[i].kind;
    return REMOTE_UNKNOWN;
}

const char *remote_file_path(const char *url, struct arena *a) {
    static const char prefix[] = "file://";
    if (strncmp(url, prefix, sizeof prefix - 1) != 0)
        return NULL;
    const char *path = url + sizeof prefix - 1;
    if (strncmp(path, "localhost/", 10) == 0)
        path += 9;
    char *out = arena_strdup(a, path);
    for (size_t n = strlen(out); n > 1 && out[n - 1] == '/';)
        out[--n] = '\0';
    return out;
}

static bool names_git_repository(const char *url) {
    size_t n = strcspn(url, "?#");
    return n > 4 && strncmp(url + n - 4, ".git", 4) == 0;
}

const char *remote_normal_url(const char *url, struct arena *a) {
    static const char *const plain[] = {"http://", "https://", "ssh://", "file://"};
    if (!names_git_repository(url))
        return arena_strdup(a, url);
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strncmp(url, plain[i], strlen(plain[i])) == 0)
            return arena_printf(a, "git+%s", url);
    const char *colon = strchr(url, ':'), *slash = strchr(url, '/');
    if (*url == '/')
        return arena_printf(a, "git+file://%s", url);
    if (strstr(url, "://") || !colon || colon == url || (slash && slash < colon))
        return arena_strdup(a, url);
    /* [user@]host:path, where a relative path is one below the login directory */
    return arena_printf(a, "git+ssh://%.*s%s%s", (int)(colon - url), url, colon[1] == '/' ? "" : "/./",
                        colon + 1);
}

const char *remote_shown_url(const char *url, struct arena *a) {
    const char *host = strstr(url, "://"), *at = NULL, *colon;
    size_t n = host ? strcspn(host += 3, "/?#") : 0;
    for (size_t i = 0; i < n; i++)
        if (host[i] == '@')
            at = host + i; /* the last one: a password may hold others */
    colon = at ? memchr(host, ':', (size_t)(at - host)) : NULL;
    return colon ? arena_printf(a, "%.*s%s", (int)(colon - url), url, at) : arena_strdup(a, url);
}

const char *remote_kind_name(const char *url) {
    size_t i = scheme_of(url);
    return i < SCHEMES ? schemes[i].name : NULL;
}
