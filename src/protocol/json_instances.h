// protocol/json_instances.h - says that the JSON library's templates are compiled once, in json_instances.cpp: where
// the builds precompile headers, the sources are spared their share of it.
#pragma once

#include <nlohmann/json.hpp>

extern template class nlohmann::basic_json<>;
extern template class nlohmann::detail::serializer<nlohmann::json>;
extern template class std::map<std::string, nlohmann::json, std::less<>>;
extern template class std::vector<nlohmann::json>;
