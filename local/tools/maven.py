"""How Spark's own fetching of jars reaches Maven: through the proxy of this machine, or from a company's mirror."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from arrears.contracts.errors import BadConfiguration

MIRROR = "ARREARS_MAVEN_MIRROR"
# By which a person tells Java of a proxy already: what stands there wins.
_JAVAS_OWN = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "SPARK_SUBMIT_OPTS", "_JAVA_OPTIONS")
_USUAL_PORT = {"http": 80, "https": 443}


def maven_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Where Spark looks for jars instead of Maven Central: the repository that ARREARS_MAVEN_MIRROR names.

    Raises:
        BadConfiguration: it is no address.
    """
    mirror = environ.get(MIRROR, "").strip()
    if not mirror:
        return {}
    if urlsplit(mirror).scheme not in ("http", "https", "file"):
        raise BadConfiguration(
            f"{MIRROR} must be the address of a Maven repository, such as https://mirror.example/maven2"
        )
    return {"DEFAULT_ARTIFACT_REPOSITORY": mirror.rstrip("/") + "/"}


def proxy_options(environ: Mapping[str, str]) -> str:
    """Java's options for the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name. Java reads none of the three."""
    if any("proxyHost" in environ.get(name, "") for name in _JAVAS_OWN):
        return ""
    options = dict.fromkeys(option for scheme in ("http", "https") for option in _of_scheme(scheme, environ))
    return " ".join([*options, *_exceptions(environ)] if options else [])


def _of_scheme(scheme: str, environ: Mapping[str, str]) -> Iterator[str]:
    named = environ.get(f"{scheme}_proxy") or environ.get(f"{scheme.upper()}_PROXY") or ""
    if not named:
        return
    proxy = urlsplit(named if "://" in named else f"http://{named}")
    if proxy.hostname and proxy.scheme.startswith("socks"):
        yield f"-DsocksProxyHost={proxy.hostname}"
        yield f"-DsocksProxyPort={proxy.port or 1080}"
    elif proxy.hostname:
        yield f"-D{scheme}.proxyHost={proxy.hostname}"
        yield f"-D{scheme}.proxyPort={proxy.port or _USUAL_PORT.get(proxy.scheme, 80)}"


def _exceptions(environ: Mapping[str, str]) -> Iterator[str]:
    """Java's list has bars between hosts and stars for domains; it serves both schemes."""
    hosts = filter(None, map(str.strip, (environ.get("no_proxy") or environ.get("NO_PROXY") or "").split(",")))
    listed = ["localhost", "127.*", *(f"*{host}" if host.startswith(".") else host for host in hosts)]
    hosts_in_java = "|".join(dict.fromkeys(listed))
    yield from (f"-D{name}.nonProxyHosts={hosts_in_java}" for name in ("http", "socks"))
