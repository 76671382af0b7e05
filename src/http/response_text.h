// http/response_text.h - a response as the bytes of HTTP/1.1, with CORS as every answer of the API must have it.
#pragma once

#include "http/message.h"

namespace adit::http {

enum class Persistence { close, keep_alive, keep_alive_1_0 };
enum class Content { sent, left_out }; // left out: the answer to HEAD

/// CR, LF and NUL in header values become spaces: nothing that a handler passes on may start a header of its own.
std::string response_text(const Response& response, Persistence persistence, Content content,
                          Cors cors = Cors::everybody);

} // namespace adit::http
