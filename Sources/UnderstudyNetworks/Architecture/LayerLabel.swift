/// What people read of a layer with weights that is `layers[index]` in code: `1 (lowest)`, `2`, and so on.
///
/// Records and figures, which know no networks, have `layerLabel(_:)` of the number from 1.
package func layerLabel(ofIndex index: Int) -> String { index == 0 ? "1 (lowest)" : "\(index + 1)" }
