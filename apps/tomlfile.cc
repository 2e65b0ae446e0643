/* tomlfile.cc - a TOML document as a tree; see tomlfile.h.
 *
 * The only file in C++: toml++ is the TOML library of Debian that tells the
 * line of each value.  No exception leaves it.
 */
#include "config.h"

#include <cstring>
#include <exception>
#include <string>
#include <string_view>
#include <toml++/toml.h>

extern "C" {
#include "tomlfile.h"
}

namespace
{

struct with_nul {
    uint32_t line;
};

uint32_t line_of(const toml::node &node)
{
    uint32_t line = node.source().begin.line;
    return line == 0 ? 1 : line;
}

const char *copy(struct arena *arena, const std::string &text, uint32_t line)
{
    if (text.find('\0') != std::string::npos) {
        throw with_nul{line};
    }
    return arena_text(arena, text.data(), text.size());
}

void convert(struct arena *arena, const toml::node &from, toml_node *to);

toml_node *make_items(struct arena *arena, toml_node *to, size_t count)
{
    to->count = count;
    to->items =
        static_cast<toml_node *>(arena_alloc(arena, (count + 1) * sizeof *to));
    return to->items;
}

void convert_items(struct arena *arena, const toml::node &from, toml_node *to)
{
    size_t at = 0;
    if (const toml::array *list = from.as_array()) {
        to->kind = TOML_LIST;
        toml_node *items = make_items(arena, to, list->size());
        for (const toml::node &item : *list) {
            convert(arena, item, &items[at++]);
        }
    } else if (const toml::table *table = from.as_table()) {
        to->kind = TOML_TABLE;
        toml_node *items = make_items(arena, to, table->size());
        for (auto &&[key, item] : *table) {
            convert(arena, item, &items[at]);
            items[at++].key =
                copy(arena, std::string(key.str()), line_of(item));
        }
    }
}

void convert(struct arena *arena, const toml::node &from, toml_node *to)
{
    std::memset(to, 0, sizeof *to);
    to->line = line_of(from);
    to->kind = TOML_TIME;
    if (const auto *text = from.as_string()) {
        to->kind = TOML_TEXT;
        to->text = copy(arena, text->get(), to->line);
    } else if (const auto *integer = from.as_integer()) {
        to->kind = TOML_INTEGER;
        to->integer = integer->get();
    } else if (const auto *real = from.as_floating_point()) {
        to->kind = TOML_REAL;
        to->real = real->get();
    } else if (const auto *boolean = from.as_boolean()) {
        to->kind = TOML_BOOLEAN;
        to->boolean = boolean->get();
    } else {
        convert_items(arena, from, to);
    }
}

} // namespace

extern "C" bool tomlfile_available(void)
{
    return true;
}

extern "C" hay_status tomlfile_parse(struct arena *arena,
                                     const char *file,
                                     const char *data,
                                     size_t size,
                                     struct toml_node *root,
                                     struct fault *fault)
{
    try {
        toml_node tree;
        toml::table table = toml::parse(std::string_view(data, size));
        convert(arena, table, &tree);
        *root = tree;
        return HAY_OK;
    } catch (const toml::parse_error &error) {
        std::string words(error.description());
        return fault_at(fault,
                        file,
                        error.source().begin.line > 0
                            ? error.source().begin.line
                            : 1,
                        "not TOML: %.400s",
                        words.c_str());
    } catch (const with_nul &place) {
        return fault_at(fault, file, place.line, "a text with a byte 0");
    } catch (const std::exception &error) {
        return fault_at(fault, file, 1, "not TOML: %.400s", error.what());
    }
}
