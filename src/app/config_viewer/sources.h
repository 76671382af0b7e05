// app/config_viewer/sources.h - the page as it is written in this folder, put into the program when it is built
// (cmake/AditConfigViewer.cmake).
#pragma once

#include <string_view>

namespace adit::app {

/// UTF-8 with LF. The page has {{names}} where something is filled in; the others go into it byte for byte.
struct ViewerSources {
    std::string_view page;
    std::string_view style;
    std::string_view script;
    std::string_view qr_code; // Kazuhiko Arase's qrcode-generator, MIT
};

const ViewerSources& viewer_sources();

} // namespace adit::app
