// Bytes as a client may send them, cut as the network may cut them: the reader judges them alike, holds no more than
// its limits, and what it gives is what a handler may rely on. The first byte is the size of the pieces.
#include "base/bytes.h"
#include "base/check.h"
#include "http/request_reader.h"
#include "http/router.h"
#include "http/source.h"

#include <algorithm>
#include <cstdlib>

namespace {

using namespace adit;
using namespace adit::http;
using State = RequestReader::State;

constexpr std::size_t kHeaderBytes = 4096;
constexpr std::size_t kBodyBytes = 512;

struct Seen {
    std::vector<Request> requests;
    int refused = 0;
};

Seen read_all(std::string_view bytes, std::size_t piece)
{
    Seen seen;
    RequestReader reader({kHeaderBytes, kBodyBytes});
    while (!bytes.empty() && reader.state() != State::refused) {
        const std::size_t count = std::min(bytes.size(), piece);
        reader.feed(bytes.substr(0, count));
        bytes.remove_prefix(count);
        CHECK(reader.held() <= 8 * (kHeaderBytes + kBodyBytes + piece));
        while (reader.state() == State::complete) seen.requests.push_back(reader.take());
    }
    if (reader.state() == State::refused) seen.refused = reader.refusal().status;
    return seen;
}

void check(const Request& request, const Router& router)
{
    CHECK(!request.method.empty() && !request.path.empty());
    CHECK(request.body.size() <= kBodyBytes);
    for (const auto& [name, value] : request.query) CHECK(is_utf8(name) && is_utf8(value));
    for (const auto& [name, value] : request.headers) {
        CHECK(!name.empty() && value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
        CHECK(std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; }));
    }
    for (const auto& [name, value] : router.find(request.method, request.path).parameters)
        CHECK(!value.empty() && is_utf8(value));
    static const Networks trusted = *Networks::parse({"127.0.0.0/8", "10.0.0.0/8", "::1"});
    (void)source_of(request, *parse_address("127.0.0.1"), trusted);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) return 0;
    static const Router router = [] {
        Router routes;
        routes.add("GET", "/session/{id}", [](const Request&, const Responder&) {});
        return routes;
    }();
    const std::string_view bytes = as_text({data + 1, size - 1});
    const Seen cut = read_all(bytes, std::size_t{data[0]} + 1);
    const Seen whole = read_all(bytes, bytes.size() + 1);
    CHECK(cut.refused == whole.refused && cut.requests.size() == whole.requests.size());
    for (std::size_t i = 0; i < cut.requests.size(); ++i) {
        CHECK(cut.requests[i].path == whole.requests[i].path && cut.requests[i].body == whole.requests[i].body);
        check(cut.requests[i], router);
    }
    return 0;
}
