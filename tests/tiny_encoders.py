"""Tiny encoders with random weights, made on the spot and laid out as the libraries lay out real ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

WORDS = ("a", "person", "sits", "stands", "raises", "the", "right", "left", "arm", "leg", "slowly", "in", "circle")


def tiny_sentence_model(
    folder: Path, width: int = 32, seed: int = 0, max_tokens: int = 24, pooling: str = "mean", **options: Any
) -> Path:
    """A one-layer BERT with pooling, as sentence-transformers saves it; one token per word of ``WORDS``."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Dense, Pooling, Transformer  # where older versions have them, too
    from transformers import BertConfig, BertModel, BertTokenizerFast

    base = folder.parent / f"{folder.name}-bert"
    base.mkdir(parents=True)
    (base / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]) + "\n")
    tokenizer = BertTokenizerFast(str(base / "vocab.txt"), model_max_length=256)
    tokenizer.save_pretrained(base)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=width, num_hidden_layers=1, num_attention_heads=4, intermediate_size=8
    )
    BertModel(config).save_pretrained(base)
    modules = [Transformer(str(base), max_seq_length=max_tokens), Pooling(width, pooling_mode=pooling)]
    if options.pop("dense", False):
        modules.append(Dense(width, 8))
    SentenceTransformer(modules=modules, device="cpu", **options).save(str(folder))
    return folder


def tiny_clip(folder: Path, seed: int = 0, max_tokens: int = 77, whole: bool = False) -> Path:
    """A one-layer CLIP text tower with its projection to 24 numbers; ``whole``: with an image tower beside it."""
    import torch
    from transformers import CLIPConfig, CLIPModel, CLIPTextConfig, CLIPTextModelWithProjection, CLIPTokenizer

    folder.mkdir(parents=True)
    vocabulary = _clip_vocabulary()
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\nt h\nth e</w>\n", encoding="utf-8")
    tokenizer = CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=77)
    tokenizer.save_pretrained(folder)
    ends = {"bos_token_id": vocabulary["<|startoftext|>"], "eos_token_id": vocabulary["<|endoftext|>"]}
    layers = {"hidden_size": 32, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 4}
    text = {"vocab_size": len(vocabulary), "max_position_embeddings": max_tokens, **layers, **ends}
    torch.manual_seed(seed)
    if whole:
        vision = {"image_size": 8, "patch_size": 4, **layers}
        model: Any = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=24))
    else:
        model = CLIPTextModelWithProjection(CLIPTextConfig(**text, projection_dim=24))
    model.save_pretrained(folder)
    return folder


def _clip_vocabulary() -> dict[str, int]:
    """Every byte as CLIP spells it, inside and at the end of a word, and two merged pieces."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = [chr(byte) for byte in printable] + [chr(256 + number) for number in range(len(others))]
    pieces = [*letters, *(letter + "</w>" for letter in letters), "th", "the</w>", "<|startoftext|>", "<|endoftext|>"]
    return {piece: number for number, piece in enumerate(pieces)}
