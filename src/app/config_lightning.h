// app/config_lightning.h - the [lightning] part of the config, and whether what it sells is listed.
#pragma once

#include "app/config_listing.h"
#include "app/config_secrets.h"

namespace adit::app {

LightningConfig read_lightning(Section section, Reading& reading);
/// Holds the listing's lightning methods against it; those that are sold join the listing.
void check_lightning(Section listing, ListingPart& part, const LightningConfig& lightning, const ServerConfig& server);

} // namespace adit::app
