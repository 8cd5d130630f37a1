/// How large a figure and its letters are. What is not given is as for print: 17 cm wide, letters from 7.5 points on.
public struct StyleDeclaration: Codable, Hashable, Sendable {
  /// Of the whole figure, in centimetres.
  public var width: Double?
  /// The family of all letters.
  public var font: String?
  /// Of the smallest letters, in points.
  public var fontSize: Double?
  /// Whether letters are large enough to be read when the figure takes half a slide's width.
  public var slides: Bool?

  public init(width: Double? = nil, font: String? = nil, fontSize: Double? = nil, slides: Bool? = nil) {
    (self.width, self.font, self.fontSize, self.slides) = (width, font, fontSize, slides)
  }

  /// The widths and sizes that can be drawn.
  public static let widths = 5.0...60.0
  public static let fontSizes = 5.0...40.0

  /// Its keys in study files: what they can be, and what they mean.
  public static let options: [(key: String, form: String, explanation: String)] = [
    ("width", "5 to 60", "Greatest width of the whole figure in centimetres; by default 17."),
    ("fontSize", "5 to 40", "Points of the smallest letters; by default 7.5."),
    (
      "font", "a family",
      "The family of the letters; Helvetica, Arial or Liberation Sans where there is none of that name."
    ),
    ("slides", "true or false", "Letters that can be read when the figure takes half the width of a slide."),
  ]

  /// This style, with what it does not say taken from `other`.
  public func over(_ other: StyleDeclaration?) -> StyleDeclaration {
    StyleDeclaration(
      width: width ?? other?.width, font: font ?? other?.font, fontSize: fontSize ?? other?.fontSize,
      slides: slides ?? other?.slides)
  }
}

extension Study {
  /// The study with figures in a style; what it does not say stays as the figures have it.
  public func styled(_ style: StyleDeclaration) -> Study {
    var study = self
    for index in study.figures.indices { study.figures[index].style = style.over(study.figures[index].style) }
    return study
  }
}
