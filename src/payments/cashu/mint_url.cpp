#include "payments/cashu/mint_url.h"

#include <algorithm>
#include <charconv>

namespace adit::payments::cashu {
namespace {

constexpr std::size_t kMaxUrlBytes = 1024;

Error bad_mint_url(const char* what) { return Error{Reason::wrong_mint, what}; }

std::string lowercase(std::string_view text)
{
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

bool is_host(std::string_view host)
{
    if (host.empty()) return false;
    if (host.front() == '[')
        return host.size() > 3 && host.back() == ']' &&
               host.substr(1, host.size() - 2).find_first_not_of("0123456789abcdef:.") == std::string_view::npos;
    return host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-._") == std::string_view::npos;
}

} // namespace

Result<std::string> normalise_mint_url(std::string_view url)
{
    if (url.size() > kMaxUrlBytes) return bad_mint_url("mint URL is too long");
    if (std::any_of(url.begin(), url.end(), [](char c) { return c <= ' ' || c > '~'; }))
        return bad_mint_url("mint URL has characters that belong escaped");
    if (url.find_first_of("?#\\") != std::string_view::npos) return bad_mint_url("mint URL has a query or a fragment");

    const std::size_t colon = url.find("://");
    if (colon == std::string_view::npos) return bad_mint_url("mint URL has no scheme");
    const std::string scheme = lowercase(url.substr(0, colon));
    if (scheme != "http" && scheme != "https") return bad_mint_url("mint URL is neither http nor https");
    std::string_view rest = url.substr(colon + 3);

    const std::size_t slash = std::min(rest.find('/'), rest.size());
    const std::string authority = lowercase(rest.substr(0, slash));
    std::string_view path = rest.substr(slash);
    while (path.ends_with('/')) path.remove_suffix(1);
    if (authority.find('@') != std::string::npos) return bad_mint_url("mint URL has a user name");

    std::string host = authority;
    std::string port;
    const std::size_t port_colon = authority.rfind(':');
    if (port_colon != std::string::npos && authority.find(']', port_colon) == std::string::npos) {
        host = authority.substr(0, port_colon);
        unsigned number = 0;
        const char* first = authority.data() + port_colon + 1;
        const char* last = authority.data() + authority.size();
        const auto [end, error] = std::from_chars(first, last, number);
        const bool empty = first == last; // "host:" is the default port too
        if (!empty && (error != std::errc() || end != last || number == 0 || number > 65535))
            return bad_mint_url("mint URL has a malformed port");
        if (!empty && number != (scheme == "http" ? 80U : 443U)) port = ":" + std::to_string(number);
    }
    while (host.size() > 1 && host.ends_with('.')) // the root's dot
        host.pop_back();
    if (!is_host(host)) return bad_mint_url("mint URL has a malformed host");
    return scheme + "://" + host + port + std::string(path);
}

bool same_mint(std::string_view a, std::string_view b)
{
    const auto left = normalise_mint_url(a);
    const auto right = normalise_mint_url(b);
    return left && right && *left == *right;
}

} // namespace adit::payments::cashu
