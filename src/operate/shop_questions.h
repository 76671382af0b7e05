// operate/shop_questions.h - what `adit init` wants to know, from its options or from somebody at a terminal.
#pragma once

#include "cli/arguments.h"
#include "cli/terminal.h"
#include "operate/shop_answers.h"

namespace adit::operate {

/// The options that answer a question.
std::span<const cli::Option> question_options();

enum class Attended { no, yes };

/// Each answer is judged as the daemon judges the config: a wrong one is asked for again, or, from an option, an error.
/// `folder` is the config's; what is known already stands in `answers`. Errors: bad_request (options that are missing
/// or wrong, all of them; the input ended).
Result<ShopAnswers> ask_for_answers(const cli::Arguments& arguments, Attended attended, cli::Terminal& terminal,
                                    const std::filesystem::path& folder, const ShopKeys& keys, ShopAnswers answers);

} // namespace adit::operate
